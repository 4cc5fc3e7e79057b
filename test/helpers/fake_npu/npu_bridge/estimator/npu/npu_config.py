"""The plugin's own run configuration; of its arguments those that tell its version."""
from npu_bridge.record import is_before


class NPURunConfig:
    """Takes the arguments of its version; r1.12 lacks the `jit_compile` of those around it."""
    if is_before('r1.10') or is_before('r1.13') and not is_before('r1.12'):
        def __init__(self, precision_mode=None):
            pass
    elif is_before('r1.13'):
        def __init__(self, precision_mode=None, jit_compile=True if is_before('r1.11') else None):
            pass
    else:
        def __init__(self, precision_mode=None, jit_compile='auto', precision_mode_v2=None):
            pass
