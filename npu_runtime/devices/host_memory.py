"""How the process keeps its memory on a CPU."""
import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # of mallopt, in malloc.h


def keep_freed_memory():
    """Lets glibc's malloc keep what TensorFlow frees, instead of asking for it at every step.

    A training step allocates and frees gigabytes in large pieces. By default each piece comes
    fresh from the system, which clears it page by page: a tenth to a fifth of the CPU time of a
    step with TensorFlow 1.15, 3 % with 2.21 (5.65 CPU seconds instead of 5.81). One arena for all
    threads lets each use what another has freed; the pieces are few, so that the threads do not
    wait for one another. Does nothing on systems without glibc.
    """
    if not sys.platform.startswith('linux'):
        return
    try:
        mallopt = ctypes.CDLL('libc.so.6').mallopt
    except (OSError, AttributeError):
        return
    mallopt(_ARENA_MAX, 1)
    mallopt(_MMAP_THRESHOLD, 1 << 30)
    mallopt(_TRIM_THRESHOLD, (1 << 31) - 1)
