"""Forks the programs of the repository from one process that has imported everything.

Importing TensorFlow takes longer than most programs run. This process imports what the programs
import, without creating sessions or threads, and forks for every connection to its socket (its
argument). The child runs the file of the program as `__main__`, like a new interpreter, with its
own arguments, environment, folder, limits and output. `programs.py` is the other end.
"""
import gc
import importlib
import multiprocessing
import multiprocessing.connection
import os
import resource
import runpy
import select
import signal
import socket
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MODULES = ('npu_runtime.session', 'npu_runtime.training.loop', 'geonet.train',
           'geonet.predict_depth', 'geonet.predict_flow', 'geonet.predict_pose',
           'geonet.export', 'geonet.evaluation',
           'convlstm_vo.train', 'convlstm_vo.predict_motion', 'convlstm_vo.export',
           'kitti_eval.plots',
           'kitti_eval.eval_depth', 'kitti_eval.eval_flow', 'kitti_eval.eval_odometry',
           'kitti_eval.eval_pose', 'kitti_eval.generate_multiview_extension',
           'kitti_data.preparation.prepare_train_data', 'kitti_data.rendering.synthetic',
           # Late imports, which a program that runs as another user may not be able to read.
           'concurrent.futures.process', 'concurrent.futures.thread', 'encodings.idna',
           'encodings.utf_8_sig', 'encodings.utf_16', 'encodings.cp437', 'zipfile',
           'matplotlib.backends.backend_agg', 'PIL.PngImagePlugin', 'PIL.JpegImagePlugin')
# Its processes exit like an interpreter, waiting for threads, but without clearing modules, which
# would copy hundreds of megabytes and take ten times as long as most programs.
FORK = multiprocessing.get_context('fork')


def main():
    """Serves until stdin ends."""
    sys.path[:0] = [ROOT, os.path.join(ROOT, 'test', 'helpers')]
    for name in MODULES:
        importlib.import_module(name)
    small = importlib.import_module('geonet_program').STAGES
    importlib.import_module('geonet.encoder_decoder')._RESNET_STAGES = small
    gc.freeze()  # collecting what existed before a fork would copy it
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(sys.argv[1])
        listener.listen()
        print('ready', flush=True)
        while listener in select.select([listener, sys.stdin], [], [])[0]:
            connection = multiprocessing.connection.Connection(listener.accept()[0].detach())
            FORK.Process(target=serve, args=(connection,)).start()
            connection.close()


def serve(connection):
    """Runs the program whose description arrives; sends its id, and then how it ended.

    Kills it if the connection is closed before its end.
    """
    program = FORK.Process(target=run_program, kwargs=connection.recv())
    program.start()
    connection.send(program.pid)
    multiprocessing.connection.wait([connection, program.sentinel])
    if connection.poll():  # nobody waits for the end
        os.killpg(program.pid, signal.SIGKILL)
        return
    program.join()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    connection.send((program.exitcode, peak))


def run_program(argv, cwd, env, outputs, uid=0, memory=0, umask=0o022):
    """Runs a program in this process; the arguments are those of `Programs.start`."""
    os.setsid()
    for number, path in enumerate(outputs, 1):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        os.dup2(opened, number)
        os.close(opened)
    os.umask(umask)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    if memory:
        taken = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + memory,) * 2)
    if uid:
        os.setgid(uid)
        os.setuid(uid)
    sys.argv = argv
    sys.path[0] = os.path.dirname(argv[0])
    runpy.run_path(argv[0], run_name='__main__')


if __name__ == '__main__':
    main()
