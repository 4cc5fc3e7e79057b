"""What the stand-in was asked for, and the version of the plugin that it stands for."""

version = 'r1.13'
overflows = True  # whether the float status is emulated, by operations that the plugin lacks
inf_nan = False  # whether the device computes with infinities instead of saturating
given = {}  # the options of the last session, as `options` returns them
calls = []  # (name, dict of arguments)
rows = {}  # rank -> what it adds to a table of the ranks, where that is not as on this one
graphs = []  # (names of the fetches, whether a collective is among what they need), one a graph


class Fatal(Exception):
    """Stands for the end of the process or the session."""


def add(name, **arguments):
    """Remembers a call."""
    calls.append((name, arguments))


def names():
    """The names of the calls, in order."""
    return [name for name, _ in calls]


def of(name):
    """The arguments of each call of that name, in order."""
    return [arguments for called, arguments in calls if called == name]


def is_before(release):
    """Whether the stand-in's version is older than `release`, such as 'r1.12'."""
    return _numbers(version) < _numbers(release)


def _numbers(release):
    return [int(part) for part in release[1:].split('.')]


def options(session_config):
    """What the plugin reads of a tf.ConfigProto: dict, key -> value; None if it is not named.

    Raises:
      Fatal: it refuses a value.
    """
    from npu_bridge import parser
    values = parser.read(session_config)
    parser.check(values or {})
    return values
