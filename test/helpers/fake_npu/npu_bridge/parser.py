"""How the plugin reads its options, and at which values it ends the process or the session."""
import os
import re

from npu_bridge.record import Fatal, is_before

# Field of AttrValue in which the plugin reads an option; it reads another field as empty.
_TEXTS = ('precision_mode', 'precision_mode_v2', 'modify_mixlist', 'op_select_implmode',
          'dump_path', 'dump_step', 'dump_mode', 'dump_debug_mode', 'profiling_options',
          'aoe_mode', 'work_path', 'graph_memory_max_size', 'variable_memory_max_size',
          'op_compiler_cache_mode', 'op_compiler_cache_dir', 'jit_compile')
_SWITCHES = ('use_off_line', 'mix_compile_mode', 'enable_data_pre_proc', 'hcom_parallel',
             'enable_dump', 'enable_dump_debug', 'profiling_mode')
_NUMBERS = ('iterations_per_loop', 'enable_exception_dump')

_LEGAL = {
    'precision_mode': (
        'force_fp32', 'allow_fp32_to_fp16', 'force_fp16', 'must_keep_origin_dtype',
        'allow_mix_precision', 'cube_fp16in_fp32out', 'allow_mix_precision_fp16',
        'allow_mix_precision_bf16', 'allow_fp32_to_bf16'),
    'precision_mode_v2': ('fp16', 'origin', 'cube_fp16in_fp32out', 'mixed_float16',
                          'mixed_bfloat16'),
    'op_select_implmode': ('high_precision', 'high_performance', 'high_precision_for_all',
                           'high_performance_for_all'),
    'dump_mode': ('input', 'output', 'all'),
    'dump_debug_mode': ('aicore_overflow', 'atomic_overflow', 'all'),
    'aoe_mode': ('1', '2', '4', 'mdat'),
    'jit_compile': ('true', 'false', 'auto', True, False)}
_MIXLIST_MODES = ('allow_mix_precision', 'allow_mix_precision_fp16', 'allow_mix_precision_bf16',
                  'mixed_float16', 'mixed_bfloat16')


def read(session_config):
    """What the parser reads of a tf.ConfigProto: dict, known key -> value.

    None when no graph optimizer of the plugin is named.
    """
    fields = dict.fromkeys(_TEXTS, 's')
    fields.update(dict.fromkeys(_SWITCHES, 'b'), **dict.fromkeys(_NUMBERS, 'i'))
    if is_before('r1.13'):
        fields['jit_compile'] = 'b'
    for optimizer in session_config.graph_options.rewrite_options.custom_optimizers:
        if optimizer.name == 'NpuOptimizer':
            found = {key: getattr(value, fields[key])
                     for key, value in optimizer.parameter_map.items() if key in fields}
            return {key: value.decode() if isinstance(value, bytes) else value
                    for key, value in found.items()}
    return None


def check(values):
    """Raises a <Fatal> for what the plugin refuses of the values that `read` returns."""
    for key, legal in _LEGAL.items():
        _require(key not in values or values[key] in legal, values, key)
    _require(values.get('iterations_per_loop', 1) >= 1, values, 'iterations_per_loop')
    _require('precision_mode' not in values or 'precision_mode_v2' not in values, values,
             'precision_mode_v2')
    if 'modify_mixlist' in values:
        modes = _MIXLIST_MODES[:1] if is_before('r1.13') else _MIXLIST_MODES
        _require(values.get('precision_mode', values.get('precision_mode_v2')) in modes, values,
                 'modify_mixlist')
    for switch, path in (('aoe_mode', 'work_path'), ('enable_dump', 'dump_path'),
                         ('enable_dump_debug', 'dump_path')):
        _require(not values.get(switch) or _is_folder(values.get(path, '.')), values, path)
    _require(_increase(values.get('dump_step', '0').split('|')), values, 'dump_step')


def _require(is_legal, values, key):
    if not is_legal:
        raise Fatal('%s: %r' % (key, values[key]))


def _is_folder(path):
    return os.path.isdir(path) and not os.path.islink(path)


def _increase(parts):
    ranges = [[int(end) for end in part.split('-')] for part in parts
              if re.fullmatch('[0-9]+(-[0-9]+)?', part)]
    return len(ranges) == len(parts) <= 100 and all(
        ends == sorted(set(ends)) for ends in ranges)
