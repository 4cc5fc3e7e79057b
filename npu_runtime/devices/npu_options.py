"""What the Ascend plugin may be asked for: keys, proto fields and legal values.

The plugin reads its options from the `parameter_map` of a graph optimizer named `NpuOptimizer`. It
ignores a key it does not know, reads a value in the wrong proto field as empty, and some illegal
values end the process. So nothing gets into the map except through this table.
Source: the published TF Adapter's option parser (facts in the runtime notes of the README).
"""
import collections
import json
import os

from common.errors import UserError
from common.files import make_folder, require_file

Option = collections.namedtuple('Option', 'field check')

# Layer norm's epsilon of 1e-12 is zero in float16, and a loss overflows there: their reductions
# stay float32 under mixed precision.
FLOAT32_OPS_FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'float32_ops.json')

_MIXED_MODES = ('allow_mix_precision', 'allow_mix_precision_fp16', 'allow_mix_precision_bf16')
_MIXED_MODES_V2 = ('mixed_float16', 'mixed_bfloat16')


def _one_of(*legal):
    def check(key, value):
        if value not in legal:
            raise UserError('--%s is %r; legal values: %s'
                            % (key, value, ', '.join(str(choice) for choice in legal)))
    return check


def _boolean(key, value):
    if not isinstance(value, bool):
        raise UserError('--%s is %r; legal values: true, false' % (key, value))


def _positive(key, value):
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise UserError('--%s is %r; wanted is a whole number of at least 1' % (key, value))


def _byte_count(key, value):
    if not (value.isdigit() and value.isascii() if hasattr(value, 'isascii')
            else value.isdigit()) or int(value) < 1:
        raise UserError('--%s is %r; wanted is a number of bytes, as in %d'
                        % (key, value, 16 * 1024 ** 3))


def _dump_steps(key, value):
    """`0|5|10-20`: steps and ranges of steps."""
    for part in value.split('|'):
        ends = part.split('-')
        if len(ends) > 2 or not all(end.isdigit() for end in ends) or (
                len(ends) == 2 and int(ends[0]) > int(ends[1])):
            raise UserError('--%s is %r; wanted are steps and ranges, as in 0|5|10-20'
                            % (key, value))


def _text(key, value):
    if not isinstance(value, str) or not value:
        raise UserError('--%s is %r; wanted is a text' % (key, value))


def _json_object(key, value):
    try:
        valid = isinstance(json.loads(value), dict)
    except ValueError:
        valid = False
    if not valid:
        raise UserError('--%s is %r; wanted is a JSON object' % (key, value))


def _implementation_modes():
    modes = ('high_precision', 'high_performance')
    return _one_of(*(modes + tuple(mode + '_for_all' for mode in modes)))


OPTIONS = {
    'precision_mode': Option('s', _one_of(
        'allow_mix_precision', 'force_fp16', 'force_fp32', 'allow_fp32_to_fp16',
        'must_keep_origin_dtype', 'cube_fp16in_fp32out', 'allow_mix_precision_fp16',
        'allow_mix_precision_bf16', 'allow_fp32_to_bf16')),
    'precision_mode_v2': Option('s', _one_of(
        'fp16', 'origin', 'cube_fp16in_fp32out', 'mixed_float16', 'mixed_bfloat16')),
    'modify_mixlist': Option('s', _text),
    'use_off_line': Option('b', _boolean),
    'mix_compile_mode': Option('b', _boolean),
    'iterations_per_loop': Option('i', _positive),
    'enable_data_pre_proc': Option('b', _boolean),
    'hcom_parallel': Option('b', _boolean),
    'op_select_implmode': Option('s', _implementation_modes()),
    'enable_exception_dump': Option('i', _one_of(0, 1, 2)),
    'enable_dump': Option('b', _boolean),
    'dump_path': Option('s', _text),
    'dump_step': Option('s', _dump_steps),
    'dump_mode': Option('s', _one_of('input', 'output', 'all')),
    'enable_dump_debug': Option('b', _boolean),
    'dump_debug_mode': Option('s', _one_of('aicore_overflow', 'atomic_overflow', 'all')),
    'profiling_mode': Option('b', _boolean),
    'profiling_options': Option('s', _json_object),
    'aoe_mode': Option('s', _one_of('1', '2', '4', 'mdat')),
    'graph_memory_max_size': Option('s', _byte_count),
    'variable_memory_max_size': Option('s', _byte_count),
    'op_compiler_cache_mode': Option('s', _one_of('disable', 'enable', 'force')),
    'op_compiler_cache_dir': Option('s', _text),
    'jit_compile': Option('s', _one_of('auto', 'true', 'false')),
}


def check(key, value):
    """Raises a UserError unless `value` is legal for the plugin's option `key`."""
    if key not in OPTIONS:
        raise UserError('the NPU plugin has no option %r; options: %s'
                        % (key, ', '.join(sorted(OPTIONS))))
    OPTIONS[key].check(key, value)


def is_mixed(values):
    """Whether the options `values` (key -> value) let the device compute in 16 bits."""
    return (values.get('precision_mode') in _MIXED_MODES + ('allow_fp32_to_fp16', 'force_fp16')
            or values.get('precision_mode_v2') in _MIXED_MODES_V2 + ('fp16',))


def takes_mixlist(values):
    """Whether the options `values` (key -> value) mix precisions by lists of operations."""
    return (values.get('precision_mode') in _MIXED_MODES
            or values.get('precision_mode_v2') in _MIXED_MODES_V2)


def check_together(values):
    """Raises a UserError when options that are legal one by one do not go together.

    Args:
      values: dict, key -> value, as for `fill`.
    """
    for key, value in values.items():
        check(key, value)
    if 'precision_mode' in values and 'precision_mode_v2' in values:
        raise UserError('--precision_mode and --precision_mode_v2 exclude each other; found %r '
                        'and %r' % (values['precision_mode'], values['precision_mode_v2']))
    if 'modify_mixlist' in values and not takes_mixlist(values):
        raise UserError(
            '--modify_mixlist needs a mixed precision mode: --precision_mode=%s or '
            '--precision_mode_v2=%s' % ('|'.join(_MIXED_MODES), '|'.join(_MIXED_MODES_V2)))
    if values.get('iterations_per_loop', 1) > 1:
        if not values.get('enable_data_pre_proc'):
            raise UserError('--iterations_per_loop=%d needs --enable_data_pre_proc: without it '
                            'every step of a loop would see the same batch'
                            % values['iterations_per_loop'])
        if values.get('mix_compile_mode'):
            raise UserError('--iterations_per_loop=%d does not go with --mix_compile_mode: a loop '
                            'runs on the device alone' % values['iterations_per_loop'])
    if values.get('enable_dump') and values.get('enable_dump_debug'):
        raise UserError('--enable_dump and --enable_dump_debug exclude each other')
    for switch in ('enable_dump', 'enable_dump_debug'):
        if values.get(switch) and 'dump_path' not in values:
            raise UserError('--%s needs --dump_path' % switch)


def prepare_paths(values):
    """`values` with paths expanded, folders made, and files known to be there."""
    prepared = dict(values)
    for key in ('dump_path', 'op_compiler_cache_dir'):
        if key in prepared:
            prepared[key] = make_folder(prepared[key])
    if 'modify_mixlist' in prepared:
        prepared['modify_mixlist'] = require_file(prepared['modify_mixlist'], '--modify_mixlist')
    if 'profiling_options' in prepared:
        options = json.loads(prepared['profiling_options'])
        if 'output' in options:
            options['output'] = make_folder(options['output'])
        prepared['profiling_options'] = json.dumps(options)
    return prepared


def profiling_options(output, fp_point='', bp_point=''):
    """The JSON text that asks the profiler for the step trace and the task trace.

    Args:
      output: folder of the profiler's files.
      fp_point, bp_point: names of the first forward and last backward op; empty lets it guess.
    """
    return json.dumps(collections.OrderedDict([
        ('output', os.path.abspath(os.path.expanduser(output))), ('training_trace', 'on'),
        ('task_trace', 'on'), ('fp_point', fp_point), ('bp_point', bp_point)]))


def fill(parameter_map, values):
    """Writes checked options into a graph optimizer's `parameter_map`, each in its proto field.

    Args:
      parameter_map: of a `RewriterConfig.CustomGraphOptimizer`.
      values: dict, key -> value.

    Raises:
      UserError: an unknown key, an illegal value, or options that do not go together.
    """
    check_together(values)
    for key in sorted(values):
        field = OPTIONS[key].field
        value = values[key]
        setattr(parameter_map[key], field, value.encode() if field == 's' else value)
