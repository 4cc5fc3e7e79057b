"""Forks the programs of the repository from one process that has imported everything.

Importing TensorFlow takes longer than most programs run. This process imports what the programs
import, without creating sessions or threads, and forks for every command line. The child runs the
file of the program as `__main__`, like a new interpreter, with its own arguments, environment,
folder, limits and output. It also exits like an interpreter, waiting for threads and calling exit
functions, but neither clears modules nor collects garbage from before the fork: both would copy
hundreds of megabytes, which takes ten times as long as most programs.
`programs.py` communicates by one JSON object per line on stdin and stdout.

A request has id, argv, cwd, env, out, err, uid, umask and memory (bytes in addition to those
already in use; 0 is no limit). Answers are {id, pid} when the child runs and {id, status, peak}
when it has ended, with the status as in `subprocess` and the peak resident memory in bytes.
"""
import atexit
import gc
import importlib
import json
import os
import resource
import runpy
import select
import signal
import sys
import threading

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
# The structure of ResNet with few weights, for checkpoints of 40 MB instead of 700.
SMALL_STAGES = ((8, 1), (8, 1), (8, 1), (8, 1))
_TICK = 0.005


def main():
    """Serves until stdin ends."""
    sys.path.insert(0, ROOT)
    for name in MODULES:
        importlib.import_module(name)
    importlib.import_module('geonet.encoder_decoder')._RESNET_STAGES = SMALL_STAGES
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)  # keeps output of imports out of the answers
    print(json.dumps({'ready': True}), file=answers, flush=True)
    running, requests = {}, b''
    gc.freeze()
    while True:
        if select.select([0], [], [], _TICK if running else None)[0]:
            part = os.read(0, 1 << 20)
            if not part:
                break
            requests += part
        while b'\n' in requests:
            line, requests = requests.split(b'\n', 1)
            request = json.loads(line.decode())
            pid = os.fork()
            if pid == 0:
                answers.close()
                end_as_an_interpreter(run_program, request)
            running[pid] = request['id']
            print(json.dumps({'id': request['id'], 'pid': pid}), file=answers, flush=True)
        while running:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
            if pid == 0:
                break
            code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
            print(json.dumps({'id': running.pop(pid), 'status': code,
                              'peak': usage.ru_maxrss * 1024}), file=answers, flush=True)
    for pid in running:
        os.kill(pid, signal.SIGKILL)


def run_program(request):
    """Runs the program of a request in this process."""
    os.setsid()
    for number, path, flags in ((0, os.devnull, os.O_RDONLY),
                                (1, request['out'], os.O_WRONLY | os.O_CREAT | os.O_APPEND),
                                (2, request['err'], os.O_WRONLY | os.O_CREAT | os.O_APPEND)):
        opened = os.open(path, flags, 0o666)
        os.dup2(opened, number)
        os.close(opened)
    os.umask(request['umask'])
    os.chdir(request['cwd'])
    os.environ.clear()
    os.environ.update(request['env'])
    if request['memory']:
        taken = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()
        limit = taken + request['memory']
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    if request['uid']:
        os.setgid(request['uid'])
        os.setuid(request['uid'])
    sys.argv = request['argv']
    sys.path[0] = os.path.dirname(request['argv'][0])
    runpy.run_path(request['argv'][0], run_name='__main__')


def end_as_an_interpreter(function, *arguments):
    """Calls `function` and exits like an interpreter, with the same status."""
    status = 0
    try:
        function(*arguments)
    except SystemExit as ended:
        status = ended.code
        if status is None:
            status = 0
        elif not isinstance(status, int):
            print(status, file=sys.stderr)
            status = 1
    except BaseException:  # pylint: disable=broad-except
        sys.excepthook(*sys.exc_info())
        status = 1
    # The functions that an interpreter calls here have no public names.
    threading._shutdown()  # pylint: disable=protected-access
    atexit._run_exitfuncs()  # pylint: disable=protected-access
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            sys.excepthook(*sys.exc_info())
            status = 120
    os._exit(status & 0xff)


if __name__ == '__main__':
    main()
