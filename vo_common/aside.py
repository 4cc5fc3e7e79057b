"""Runs a function in a second process."""
import contextlib
import multiprocessing
import os

from vo_common.errors import UserError, run_main


@contextlib.contextmanager
def beside(function, *args, log_path):
    """Context manager that runs `function(*args)` in a new process, which ends with the block.

    Args:
      function: defined in a module, and picklable like `args` and its result. An exception ends its
        process as `run_main` ends a program.
      log_path: file for its stdout and stderr.

    Yields:
      A function that waits for the process and returns the result of `function`. It raises a
      UserError with the status and `log_path` if the process failed.
    """
    spawn = multiprocessing.get_context('spawn')  # a forked process can hang with TensorFlow
    receiver, sender = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_run, args=(function, args, log_path, sender))
    process.start()
    sender.close()  # so that the pipe closes when the process ends

    def result():
        try:
            returned = receiver.recv()
        except EOFError:
            process.join()
            raise UserError('%s: the process that writes it failed with status %d (see its last '
                            'lines)' % (log_path, process.exitcode))
        process.join()
        return returned

    try:
        yield result
    finally:
        process.terminate()
        process.join()
        receiver.close()


def _run(function, args, log_path, sender):
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    run_main(lambda: sender.send(function(*args)))
