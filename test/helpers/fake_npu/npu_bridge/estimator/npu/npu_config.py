"""The plugin's own run configuration; of its arguments those that tell its version."""
from npu_bridge.record import is_before


class _WithoutJit:
    def __init__(self, precision_mode=None):
        pass


class _Of10:
    def __init__(self, precision_mode=None, jit_compile=True):
        pass


class _Of11:
    def __init__(self, precision_mode=None, jit_compile=None):
        pass


class _Newest:
    def __init__(self, precision_mode=None, jit_compile='auto', precision_mode_v2=None):
        pass


# r1.12 lacks the `jit_compile` that the two before it and the one after it have.
NPURunConfig = (_WithoutJit if is_before('r1.10') else _Of10 if is_before('r1.11')
                else _Of11 if is_before('r1.12') else _WithoutJit if is_before('r1.13')
                else _Newest)
