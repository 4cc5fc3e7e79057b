"""How the plugin reads its options, at which the process ends and at which the session."""
import json
import os
import re

import tensorflow.compat.v1 as tf

from npu_bridge.record import Abort, is_before

# Field of each option in the plugin's parser.
_TEXTS = ('precision_mode', 'precision_mode_v2', 'modify_mixlist', 'op_select_implmode',
          'dump_path', 'dump_step', 'dump_mode', 'dump_debug_mode', 'profiling_options',
          'aoe_mode', 'work_path', 'graph_memory_max_size', 'variable_memory_max_size',
          'op_compiler_cache_mode', 'op_compiler_cache_dir', 'jit_compile')
_SWITCHES = ('use_off_line', 'mix_compile_mode', 'enable_data_pre_proc', 'hcom_parallel',
             'enable_dump', 'enable_dump_debug', 'profiling_mode')
_NUMBERS = ('iterations_per_loop', 'enable_exception_dump')

# Values outside of these end the process.
_LISTS = {
    'precision_mode': (
        'force_fp32', 'allow_fp32_to_fp16', 'force_fp16', 'must_keep_origin_dtype',
        'allow_mix_precision', 'cube_fp16in_fp32out', 'allow_mix_precision_fp16',
        'allow_mix_precision_bf16', 'allow_fp32_to_bf16'),
    'precision_mode_v2': ('fp16', 'origin', 'cube_fp16in_fp32out', 'mixed_float16',
                          'mixed_bfloat16'),
    'op_select_implmode': ('high_precision', 'high_performance', 'high_precision_for_all',
                           'high_performance_for_all'),
    'dump_mode': ('input', 'output', 'all'),
    'dump_debug_mode': ('aicore_overflow', 'atomic_overflow', 'all')}
_MIXLIST_MODES = ('allow_mix_precision', 'allow_mix_precision_fp16', 'allow_mix_precision_bf16',
                  'mixed_float16', 'mixed_bfloat16')


def read(session_config):
    """What the parser reads of a tf.ConfigProto: dict, key -> value.

    Unknown keys are ignored, a value in another field than the option's own reads as empty. None
    when no graph optimizer of the plugin is named.
    """
    for optimizer in session_config.graph_options.rewrite_options.custom_optimizers:
        if optimizer.name == 'NpuOptimizer':
            found = optimizer.parameter_map
            values = {key: found[key].s.decode() for key in _TEXTS if key in found}
            values.update({key: found[key].b for key in _SWITCHES if key in found})
            values.update({key: found[key].i for key in _NUMBERS if key in found})
            if is_before('r1.13'):
                values.pop('precision_mode_v2', None)
            if not _has_jit_compile():
                values.pop('jit_compile', None)
            elif 'jit_compile' in found and (
                    is_before('r1.13') or found['jit_compile'].WhichOneof('value') == 'b'):
                values['jit_compile'] = found['jit_compile'].b
            return values
    return None


def _has_jit_compile():
    return not is_before('r1.10') and (is_before('r1.12') or not is_before('r1.13'))


def check(values):
    """Refuses of what `read` gave all that the plugin refuses.

    Raises:
      Abort: where it ends the process.
      tf.errors.OpError: where it ends the session.
    """
    for key, legal in _LISTS.items():
        if key in values and values[key] not in legal and _is_read(key, values):
            raise Abort('%s: %r' % (key, values[key]))
    if values.get('iterations_per_loop', 1) < 1:
        raise Abort('iterations_per_loop: %d' % values['iterations_per_loop'])
    if values.get('aoe_mode', '1') not in ('1', '2', '4', 'mdat'):
        _end_session('aoe_mode: %r' % values['aoe_mode'])
    if not is_before('r1.13') and values.get('jit_compile', 'auto') not in (
            'true', 'false', 'auto'):
        _end_session('The data type of jit_compile is invalid. Expected string type.')
    if 'precision_mode' in values and 'precision_mode_v2' in values:
        _end_session("'precision_mode' and 'precision_mode_v2'")
    if 'modify_mixlist' in values:
        legal = _MIXLIST_MODES if not is_before('r1.13') else _MIXLIST_MODES[:1]
        if values.get('precision_mode', values.get('precision_mode_v2')) not in legal:
            _end_session('modify_mixlist without a mode that takes one')
    if values.get('aoe_mode') and not _is_folder(values.get('work_path', '.')):
        raise Abort('work_path: %r' % values.get('work_path'))
    if values.get('enable_dump') or values.get('enable_dump_debug'):
        if not _is_folder(values.get('dump_path', '')):
            _end_session('dump_path: %r' % values.get('dump_path'))
    if values.get('enable_dump'):
        _check_steps(values.get('dump_step', ''))
    if 'profiling_options' in values:
        json.loads(values['profiling_options'])


def _is_read(key, values):
    """Whether the plugin looks at this option beside the others."""
    switch = {'dump_mode': 'enable_dump', 'dump_debug_mode': 'enable_dump_debug'}.get(key)
    return switch is None or values.get(switch, False)


def _end_session(message):
    raise tf.errors.InternalError(None, None, message)


def _is_folder(path):
    return (os.path.isdir(path) and not os.path.islink(path)
            and os.access(path, os.R_OK | os.W_OK))


def _check_steps(steps):
    if not steps:
        return
    if not re.match(r'([0-9]+-[0-9]+\||[0-9]+\|)+\Z', steps + '|'):
        raise Abort('dump_step: %r' % steps)
    parts = steps.split('|')
    if len(parts) > 100:
        raise Abort('dump_step: more than 100')
    for part in parts:
        ends = part.split('-')
        if len(ends) > 1 and int(ends[0]) >= int(ends[1]):
            raise Abort('dump_step: %r' % part)
