"""Applies a function to many items on all cores."""
import collections
import concurrent.futures
import contextlib
import functools
import multiprocessing
import os

from vo_common.progress import progress


def num_cores():
    """Number of cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def halves_of_the_cores():
    """The cores of this process as two disjoint lists; each has all if they cannot be divided."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else []
    return (cores[:len(cores) // 2], cores[len(cores) // 2:]) if len(cores) > 1 else (cores, cores)


def use_cores(cores):
    """Moves all threads of this process to `cores`, a list of numbers; empty: no effect."""
    for thread in os.listdir('/proc/self/task') if cores else ():
        with contextlib.suppress(ProcessLookupError):  # a thread that has just ended
            os.sched_setaffinity(int(thread), cores)


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

    Args:
      function: called once per item, in a thread.
      items: an iterable, read `2 * workers` items ahead.
      workers: number of threads; 0 is one for each core.

    Raises:
      The exception of `function`, when its result would be yielded.
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
