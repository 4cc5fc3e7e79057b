"""The memory of this host."""
import os
import re

_AVAILABLE = '/proc/meminfo'
_CONTAINER_LIMITS = ('/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes')


def usable_memory(root='/'):
    """Bytes available to programs on this host, or the limit of the container if that is lower.

    Args:
      root: folder that contains `proc` and `sys`.

    Returns:
      int; 0 if unknown.
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
