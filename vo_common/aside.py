"""A function in a process of its own, beside what this process does."""
import contextlib
import multiprocessing
import os

from vo_common.errors import UserError, run_main


@contextlib.contextmanager
def beside(function, *args, log_path):
    """Runs `function(*args)` in a new process while the block runs, and ends it with the block.

    Args:
      function: of a module; it, `args` and what it returns can be pickled. What it raises ends its
        process as it would end a program.
      log_path: file that gets what it writes to stdout and stderr.

    Yields:
      A function that waits for the process and returns what `function` returned. It raises
      UserError where that process ended otherwise; names the status and `log_path`.
    """
    spawn = multiprocessing.get_context('spawn')  # a fork of a process with TensorFlow can hang
    receiver, sender = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_run, args=(function, args, log_path, sender))
    process.start()
    sender.close()  # so that the pipe ends with the process

    def result():
        try:
            returned = receiver.recv()
        except EOFError:
            process.join()
            raise UserError('%s: the process that writes it ended with status %d before it was '
                            'done (its last lines say why)' % (log_path, process.exitcode))
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
