"""Parallel work: many items on all cores, and a function in a second process."""
import collections
import concurrent.futures
import contextlib
import functools
import multiprocessing
import os

from vo_common.console import log, progress
from vo_common.errors import UserError, run_main


def num_cores():
    """Number of cores that this process may use."""
    return len(_own_cores()) or os.cpu_count() or 1


def _own_cores():
    """Numbers of the cores that this process may use: list of int; empty if unknown."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else []


def parallel_map(function, items, workers=0, desc='', unit='it', processes=False):
    """`[function(item) for item in items]`, in parallel, in order, with a progress bar.

    The first exception of `function` is raised, and the remaining items are dropped.

    Args:
      workers: number of parallel calls; 0 is one for each core.
      desc, unit: label of the progress bar, and name of an item.
      processes: use processes instead of threads, for functions that hold the GIL and are
        picklable. They are spawned, because a forked process can hang with TensorFlow.
    """
    items = list(items)
    workers = max(1, min(workers or num_cores(), len(items)))
    show = functools.partial(progress, total=len(items), desc=desc, unit=unit)
    if workers == 1:
        return list(show(map(function, items)))
    if processes:
        pool = concurrent.futures.ProcessPoolExecutor(
            workers, mp_context=multiprocessing.get_context('spawn'))
    else:
        pool = concurrent.futures.ThreadPoolExecutor(workers)
    # Closing the results cancels the items that have not started.
    with pool, contextlib.closing(pool.map(function, items)) as results:
        return list(show(results))


def read_ahead(function, items, workers=0):
    """Yields `function(item)` in order while threads process the following items.

    An exception of `function` is raised when its result would be yielded.

    Args:
      items: an iterable, read `2 * workers` items ahead.
      workers: number of threads; 0 is one for each core.
    """
    workers = workers or num_cores()
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        waiting = collections.deque()
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


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
    cores = _own_cores()
    half = len(cores) // 2
    process = spawn.Process(target=_run, args=(cores[half:], function, args, log_path, sender))
    process.start()
    sender.close()  # so that the pipe closes when the process ends
    _use_cores(cores[:half] or cores)

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
        _use_cores(cores)
        receiver.close()  # before the wait: the process may be blocked in sending its result
        process.terminate()
        process.join()


def _run(cores, function, args, log_path, sender):
    file = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    for descriptor in (1, 2):
        os.dup2(file, descriptor)
    _use_cores(cores)
    run_main(lambda: sender.send(function(*args)))


def _use_cores(cores):
    """Moves all threads of this process to `cores`, a list of numbers; empty: no effect."""
    for thread in os.listdir('/proc/self/task') if cores else ():
        with contextlib.suppress(ProcessLookupError):  # a thread that has just ended
            os.sched_setaffinity(int(thread), cores)
