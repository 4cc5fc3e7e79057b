"""What the stand-in was asked for."""

calls = []

# Field of each option in the plugin's parser.
_TEXTS = ('precision_mode', 'precision_mode_v2', 'modify_mixlist', 'op_select_implmode',
          'dump_path', 'dump_step', 'dump_mode', 'dump_debug_mode', 'profiling_options',
          'aoe_mode', 'graph_memory_max_size', 'variable_memory_max_size',
          'op_compiler_cache_mode', 'op_compiler_cache_dir', 'jit_compile')
_SWITCHES = ('use_off_line', 'mix_compile_mode', 'enable_data_pre_proc', 'hcom_parallel',
             'enable_dump', 'enable_dump_debug', 'profiling_mode')
_NUMBERS = ('iterations_per_loop', 'enable_exception_dump')


def clear():
    """Forgets all calls."""
    del calls[:]


def add(name, **arguments):
    """Remembers a call."""
    calls.append((name, arguments))


def names():
    """The names of the calls, in order."""
    return [name for name, _ in calls]


def options(session_config):
    """What the plugin's parser reads from a tf.ConfigProto: dict, key -> value.

    Unknown keys are ignored, a value in another field than the option's own reads as empty. None
    when no graph optimizer of the plugin is named.
    """
    for optimizer in session_config.graph_options.rewrite_options.custom_optimizers:
        if optimizer.name == 'NpuOptimizer':
            found = optimizer.parameter_map
            read = {key: found[key].s.decode() for key in _TEXTS if key in found}
            read.update({key: found[key].b for key in _SWITCHES if key in found})
            read.update({key: found[key].i for key in _NUMBERS if key in found})
            return read
    return None
