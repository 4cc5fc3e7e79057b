"""The plugin's own run configuration, whose arguments tell its version."""
from npu_bridge.record import is_before


class _Before10:
    def __init__(self, iterations_per_loop=1, precision_mode=None, modify_mixlist=None):
        pass


class _Before12:
    def __init__(self, iterations_per_loop=1, precision_mode=None, modify_mixlist=None,
                 jit_compile=True):
        pass


class _Before13:
    def __init__(self, iterations_per_loop=1, precision_mode=None, modify_mixlist=None,
                 jit_compile='auto'):
        pass


class _Newest:
    def __init__(self, iterations_per_loop=1, precision_mode=None, modify_mixlist=None,
                 jit_compile='auto', precision_mode_v2=None):
        pass


NPURunConfig = (_Before10 if is_before('r1.10') else _Before12 if is_before('r1.12')
                else _Before13 if is_before('r1.13') else _Newest)
