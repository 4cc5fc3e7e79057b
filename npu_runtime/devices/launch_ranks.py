"""Starts ranks through Horovod and, when one fails, says which one and how.

    python npu_runtime/devices/launch_ranks.py -np 2 -H localhost:2 python geonet/main.py --mode=...

scripts/train_multi.sh calls it. The ranks that wait for the failed one may be killed before they
say anything, and Horovod itself tells an exit code alone.
"""
import signal
import sys

# Seconds after the first failure in which no rank was killed by the launcher itself (Horovod gives
# the others 5 after its SIGTERM).
_OWN_DEATH = 3


def _signal_of(status):
    """The signal that a shell's exit status (128 + n) tells, or None."""
    try:
        return signal.Signals(status - 128)
    except ValueError:
        return None


def cause_of(ends):
    """Says which rank failed first, and how.

    A rank that is killed closes its connections, so that another one may end with an error of its
    own before the launcher has noticed the death: a death by signal is the cause of both.

    Args:
      ends: dict of rank (int) to (exit status, time in seconds at which it ended).

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
        how = 'was killed by %s%s' % (name.name, ', perhaps for want of memory'
                                      if name == signal.SIGKILL else '')
    else:
        how = 'ended with status %d' % status
    return ('rank %d %s, the others were ended; the same command goes on from the last checkpoint'
            % (rank, how))


def main():
    from horovod.runner import launch
    from horovod.runner.util import threads
    ends, execute = {}, threads.execute_function_multithreaded

    def execute_and_keep(*args, **keywords):
        results = execute(*args, **keywords)
        ends.clear()  # the last call is the one that ran the ranks
        ends.update(results or {})  # nothing where Horovod does not wait for the end
        return results

    threads.execute_function_multithreaded = execute_and_keep
    try:
        launch.run_commandline()
    except Exception as error:  # whatever Horovod raises of hosts, ssh, ports and ranks
        # The call before it asks the hosts whether they answer, and keeps what they said.
        ranks = {rank: end for rank, end in ends.items()
                 if isinstance(end, tuple) and not isinstance(end[1], str)}
        sys.exit('error: %s' % (cause_of(ranks) or ' '.join(str(error).split())))


if __name__ == '__main__':
    main()
