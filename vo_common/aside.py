"""Runs a function in a second process."""
import contextlib
import multiprocessing
import os

from vo_common.console import log
from vo_common.errors import UserError, run_main
from vo_common.parallel import halves_of_the_cores, use_cores


@contextlib.contextmanager
def beside(function, *args, log_path):
    """Context manager that runs `function(*args)` in a new process, which ends with the block.

    Within the block, this process has the first half of its cores, and the new one the second:
    threads that wait for each other must not share a core with those of another process. GeoNet's
    steps of the demo, beside the ConvLSTM's, take 0.08 instead of 0.15 seconds.

    Args:
      function: defined in a module, and picklable like `args` and its result. An exception ends its
        process as `run_main` ends a program.
      log_path: file for its stdout and stderr.

    Yields:
      A function that waits for the process, logs its output and returns the result of `function`.
      It raises a UserError with the status and `log_path` if the process failed.
    """
    spawn = multiprocessing.get_context('spawn')  # a forked process can hang with TensorFlow
    receiver, sender = spawn.Pipe(duplex=False)
    first, second = halves_of_the_cores()
    process = spawn.Process(target=_run, args=(second, function, args, log_path, sender))
    process.start()
    sender.close()  # so that the pipe closes when the process ends
    use_cores(first)

    def result():
        try:
            returned = receiver.recv()
        except EOFError:
            process.join()
            raise UserError('%s: the process that writes it failed with status %d (see its last '
                            'lines)' % (log_path, process.exitcode))
        process.join()
        with open(log_path, encoding='utf-8') as stream:
            log(stream.read())
        return returned

    try:
        yield result
    finally:
        use_cores(sorted({*first, *second}))
        receiver.close()  # before the wait: the process may be blocked in sending its result
        process.terminate()
        process.join()


def _run(cores, function, args, log_path, sender):
    file = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    for descriptor in (1, 2):
        os.dup2(file, descriptor)
    use_cores(cores)
    run_main(lambda: sender.send(function(*args)))
