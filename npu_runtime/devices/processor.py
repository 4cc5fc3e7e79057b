"""The instruction sets of this host's CPU. Does not import TensorFlow."""
import contextlib

from vo_common.errors import UserError

_CPU_INFO = '/proc/cpuinfo'


def cpu_instructions():
    """Names of the CPU's instruction sets on Linux and x86: frozenset; empty elsewhere."""
    with contextlib.suppress(OSError), open(_CPU_INFO) as info:
        for line in info:
            if line.startswith('flags'):
                return frozenset(line.split(':', 1)[1].split())
    return frozenset()


def require_avx():
    """Raises a UserError on an x86 CPU without AVX, which TensorFlow's builds require.

    Without this check, the import would end the process with "illegal instruction".
    """
    instructions = cpu_instructions()
    if instructions and 'avx' not in instructions:
        raise UserError('%s: found a CPU without AVX, must have it: TensorFlow is built with AVX '
                        '(use another machine; a virtual machine may hide what its host has)'
                        % _CPU_INFO)
