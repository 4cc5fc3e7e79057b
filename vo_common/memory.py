"""How much memory there is to use."""
import os
import re

_AVAILABLE = '/proc/meminfo'
_CONTAINER_LIMITS = ('/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes')


def usable_memory(root='/'):
    """Bytes that programs can still take on this host, or the container's limit if that is less.

    Returns 0 where the system does not tell.

    Args:
      root: where the system's `proc` and `sys` are.
    """
    available = re.search(r'MemAvailable:\s*(\d+) kB', _text(root, _AVAILABLE))
    if not available:
        return 0
    limits = [_text(root, path).strip() for path in _CONTAINER_LIMITS]
    return min([int(available.group(1)) * 1024]
               + [int(limit) for limit in limits if limit.isdigit()])


def _text(root, path):
    try:
        with open(os.path.join(root, path.lstrip('/'))) as stream:
            return stream.read()
    except OSError:
        return ''
