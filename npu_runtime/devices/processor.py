"""The instruction sets of this host's CPU; imports no TensorFlow."""
from vo_common.errors import UserError

_CPU_INFO = '/proc/cpuinfo'


def cpu_instructions():
    """Names of this CPU's instruction sets in Linux on x86; empty elsewhere."""
    try:
        with open(_CPU_INFO) as info:
            for line in info:
                if line.startswith('flags'):
                    return frozenset(line.split(':', 1)[1].split())
    except OSError:
        pass
    return frozenset()


def require_avx():
    """Raises a UserError on an x86 CPU without AVX, with which TensorFlow's builds are compiled.

    Without this check the import ends the process with "illegal instruction".
    """
    instructions = cpu_instructions()
    if instructions and 'avx' not in instructions:
        raise UserError('%s: found a CPU without AVX, must have it: TensorFlow is built with AVX '
                        '(take another machine; a virtual one may hide what its host has)'
                        % _CPU_INFO)


def onednn_pays():
    """Whether TensorFlow is faster with oneDNN's kernels than with Eigen's on this CPU.

    TensorFlow's builds use oneDNN by default only where the CPU computes 8 or 16 bits fast, but it
    pays with AVX2 alone as well: docs/speed.md has the figures.
    """
    return 'avx2' in cpu_instructions()
