"""Starts ranks through Horovod; if one fails, prints which one and how.

    python npu_runtime/devices/launch_ranks.py -np 2 -H localhost:2 python geonet/main.py --mode=...

scripts/train_multi.sh calls it. Horovod may kill the waiting ranks before they report anything,
and prints only an exit code and a traceback.
"""
import signal
import sys

# Seconds after the first failure within which a kill cannot come from Horovod, which waits 5
# seconds between SIGTERM and SIGKILL.
_OWN_DEATH = 3


def _signal_of(status):
    """The signal of a shell's exit status (128 + n), or None."""
    try:
        return signal.Signals(status - 128)
    except ValueError:
        return None


def cause_of(ends):
    """Describes which rank failed first, and how.

    A killed rank closes its connections, so another rank may fail before the launcher notices; the
    signal is the cause of both failures.

    Args:
      ends: dict, rank (int) -> (exit status, time of its end in seconds).

    Returns:
      str, the message without "error: "; None if no rank failed.
    """
    failed = sorted((ended, rank, status) for rank, (status, ended) in ends.items() if status)
    if not failed:
        return None
    killed = [(ended, rank, status) for ended, rank, status in failed
              if ended <= failed[0][0] + _OWN_DEATH
              and _signal_of(status) not in (None, signal.SIGTERM, signal.SIGINT)]
    _, rank, status = (killed or failed)[0]
    name = _signal_of(status)
    if name in (signal.SIGTERM, signal.SIGINT):
        how = 'ended on %s' % name.name
    elif name:
        how = 'was killed by %s%s' % (name.name, ', perhaps out of memory'
                                      if name == signal.SIGKILL else '')
    else:
        how = 'ended with status %d' % status
    return ('rank %d %s, the others were stopped; the same command continues from the last '
            'checkpoint' % (rank, how))


def main():
    from horovod.runner import launch
    from horovod.runner.util import threads
    ends, execute = {}, threads.execute_function_multithreaded

    def execute_and_keep(*args, **keywords):
        results = execute(*args, **keywords)
        ends.clear()  # the last call runs the ranks
        ends.update(results or {})  # None if Horovod does not wait for the end
        return results

    threads.execute_function_multithreaded = execute_and_keep
    try:
        launch.run_commandline()
    except Exception as error:  # of any type: hosts, ssh, ports, ranks
        # An earlier call checks the hosts; its results hold text.
        ranks = {rank: end for rank, end in ends.items()
                 if isinstance(end, tuple) and not isinstance(end[1], str)}
        sys.exit('error: %s' % (cause_of(ranks) or ' '.join(str(error).split())))


if __name__ == '__main__':
    main()
