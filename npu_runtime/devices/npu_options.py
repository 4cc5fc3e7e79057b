"""The options of the Ascend plugin.

Four options have their own flags in flags.py. Every other option is a key of `--npu_options` and a
row of `OPTIONS`, which defines its check, its entry in the plugin's `parameter_map` and its line in
`--help_npu` and docs/ascend.md. The plugin ignores unknown keys, reads a value of the wrong type as
empty, and ends the process or the session at an illegal value; therefore all values are checked
here.
"""
import json
import os
import re
import typing

from vo_common.errors import UserError
from vo_common.files import expand_typed, make_folder, require_file

# Operations of layer norm, losses and geometry: in float16 their epsilons underflow, variances
# cancel and sums overflow. The list also keeps their gradients in float32. It omits additions,
# which the networks contain too: they follow their first input or `precision.kept_in_float32`.
FLOAT32_OPS_FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'float32_ops.json')
DEFAULT_MODE = 'allow_mix_precision'
_MIXED_MODES = (DEFAULT_MODE, 'allow_mix_precision_fp16', 'allow_mix_precision_bf16')
_MIXED_MODES_V2 = ('mixed_float16', 'mixed_bfloat16')
_LOWER_MODES = ('allow_fp32_to_fp16', 'force_fp16', 'allow_fp32_to_bf16')
PRECISION_MODES = _MIXED_MODES + _LOWER_MODES + (
    'force_fp32', 'must_keep_origin_dtype', 'cube_fp16in_fp32out')
MODES_OF_16_BITS = _MIXED_MODES + _LOWER_MODES + _MIXED_MODES_V2 + ('fp16',)
_LARGEST_INT = 2 ** 31 - 1  # the plugin parses steps with atoi


class Legal(typing.NamedTuple):
    """Legal values of an option, in words and as a regular expression of the whole text.

    `convert` makes the type that the plugin reads of the text, or raises a ValueError.
    """
    words: str
    pattern: str
    convert: typing.Callable = str


class Option(typing.NamedTuple):
    """A key of `--npu_options`."""
    key: str  # name in the plugin's parameter_map; `profiling_...` keys form its profiling_options
    legal: Legal
    help: str
    versions: str = ''  # of the plugin, with the option; empty for all
    needs: str = ''  # key without which the plugin ignores this one, or refuses it


def _one_of(*texts, convert=str):
    return Legal('one of ' + ', '.join(texts), '|'.join(texts), convert)


def _increasing(steps):
    """`steps` unchanged; raises a ValueError unless each range increases."""
    for part in steps.split('|'):
        ends = [int(end) for end in part.split('-')]
        if ends[-1] > _LARGEST_INT or ends != sorted(set(ends)):
            raise ValueError
    return steps


_SWITCH = _one_of('true', 'false', convert=lambda text: text == 'true')
_BYTES = Legal('a number of bytes, as in 17179869184', '0*[1-9][0-9]{0,17}')
_OPERATION = Legal('the name of an operation', '.+')
_FOLDER = Legal('a folder', '.+', expand_typed)
_STEPS = '[0-9]{1,10}(-[0-9]{1,10})?'
_DUMP_STEPS = Legal('at most 100 steps and increasing ranges, as in 0|5|10-20',
                    r'%s(\|%s){0,99}' % (_STEPS, _STEPS), _increasing)

# r1.10 to r1.13 are branches of the published TF Adapter; "later" means all but the first published
# version, of 2020.
OPTIONS = (
    Option('precision_mode_v2', _one_of(
        *_MIXED_MODES_V2, 'fp16', 'origin', 'cube_fp16in_fp32out'),
           'newer form of --precision_mode, used instead of it', 'r1.13 on'),
    Option('mix_compile_mode', _SWITCH, 'run operations without an NPU kernel on the host'),
    Option('hcom_parallel', _SWITCH,
           'overlap the gradient exchange with the backward pass (default true)'),
    Option('op_select_implmode', _one_of(
        'high_precision', 'high_performance', 'high_precision_for_all',
        'high_performance_for_all'), 'implementation of operations', 'later'),
    Option('jit_compile', _one_of('auto', 'true', 'false'),
           'compile operations online; auto from r1.13 on', 'r1.10, r1.11, r1.13 on'),
    Option('graph_memory_max_size', _BYTES, 'memory for the feature maps of a graph'),
    Option('variable_memory_max_size', _BYTES, 'memory for the variables'),
    Option('op_compiler_cache_mode', _one_of('disable', 'enable', 'force'),
           'keep compiled operations for the next run', 'later'),
    Option('op_compiler_cache_dir', _FOLDER, 'folder of compiled operations', 'later'),
    Option('aoe_mode', _one_of('1', '2', '4', 'mdat'),
           'tune: 1 graphs, 2 operations, 4 gradient exchange', 'later'),
    Option('work_path', _FOLDER, 'folder of tuning files (default: the working folder)', 'later',
           needs='aoe_mode'),
    Option('profiling_path', _FOLDER, 'profile, and write the step and task traces here'),
    Option('profiling_fp_point', _OPERATION, 'first forward operation, for the profiler',
           needs='profiling_path'),
    Option('profiling_bp_point', _OPERATION, 'last backward operation, for the profiler',
           needs='profiling_path'),
    Option('enable_dump', _SWITCH, 'dump inputs and outputs of operations', needs='dump_path'),
    Option('dump_path', _FOLDER, 'folder of dumps'),
    Option('dump_step', _DUMP_STEPS, 'steps to dump', needs='enable_dump'),
    Option('dump_mode', _one_of('input', 'output', 'all'), 'tensors to dump',
           needs='enable_dump'),
    Option('enable_dump_debug', _SWITCH, 'dump operations that overflow', needs='dump_path'),
    Option('dump_debug_mode', _one_of('aicore_overflow', 'atomic_overflow', 'all'),
           'overflows to dump', needs='enable_dump_debug'),
    Option('enable_exception_dump', _one_of('0', '1', '2', convert=int),
           'dump operations that fail', 'later'),
)
_BY_KEY = {option.key: option for option in OPTIONS}


def parse(config):
    """The options in `--npu_options`: dict, key -> value of the type that the plugin reads.

    Raises:
      UserError: a key is unknown or given twice, or a value is illegal or has no effect.
    """
    values = {}
    for item in config.npu_options:
        key, equals, text = item.partition('=')
        if not equals:
            raise _error(item, 'KEY=VALUE (values cannot contain commas)')
        if key not in _BY_KEY:
            raise _error(item, 'one of the keys %s (--help_npu describes them)'
                         % ', '.join(_BY_KEY))
        if key in values:
            raise _error(item, 'given once')
        legal = _BY_KEY[key].legal
        try:
            if not re.fullmatch(legal.pattern, text, re.DOTALL):
                raise ValueError(text)
            values[key] = legal.convert(text)
        except ValueError:
            raise _error(item, legal.words)
    for key, value in values.items():
        needs = _BY_KEY[key].needs
        if value and needs and not values.get(needs):
            raise _error(_given(config, key), 'given with ' + needs)
    return values


def _error(item, must_be):
    return UserError('--npu_options=%s: must be %s' % (item, must_be))


def _given(config, key):
    return next(item for item in config.npu_options if item.startswith(key + '='))


def given_mode(config):
    """The precision mode that the flags name, in its older or newer form; empty if none."""
    return config.precision_mode or parse(config).get('precision_mode_v2', '')


def values_of(config):
    """The options that a RuntimeConfig requests: dict, key -> value; errors as `parse`.

    Options that are not given keep the defaults of the plugin, except for the precision mode and
    `hcom_parallel`, whose defaults differ between versions.
    """
    values = dict({'use_off_line': True, 'hcom_parallel': True}, **parse(config))
    if config.precision_mode or 'precision_mode_v2' not in values:
        values['precision_mode'] = config.precision_mode or DEFAULT_MODE
    if config.iterations_per_loop > 1:
        values['iterations_per_loop'] = config.iterations_per_loop
    if config.enable_data_pre_proc:
        values['enable_data_pre_proc'] = True
    if config.modify_mixlist not in ('', 'none'):
        values['modify_mixlist'] = config.modify_mixlist
    elif not config.modify_mixlist and _takes_mixlist(config):
        values['modify_mixlist'] = FLOAT32_OPS_FILE
    return values


def _takes_mixlist(config):
    """Whether the mode of these flags mixes precisions by lists of operations."""
    return (given_mode(config) or DEFAULT_MODE) in _MIXED_MODES + _MIXED_MODES_V2


def check_together(config):
    """Raises a UserError if an option is illegal, or legal options contradict each other."""
    values = values_of(config)
    if 'precision_mode' in values and 'precision_mode_v2' in values:
        raise UserError('--precision_mode=%s: must not be given with --npu_options=%s'
                        % (config.precision_mode, _given(config, 'precision_mode_v2')))
    if 'modify_mixlist' in values and not _takes_mixlist(config):
        raise UserError(
            '--modify_mixlist=%s: must be given with --precision_mode=%s or '
            '--npu_options=precision_mode_v2=%s'
            % (config.modify_mixlist, '|'.join(_MIXED_MODES), '|'.join(_MIXED_MODES_V2)))
    if config.iterations_per_loop > 1:
        loop = '--iterations_per_loop=%d' % config.iterations_per_loop
        if not config.enable_data_pre_proc:
            raise UserError('%s: must be given with --enable_data_pre_proc (otherwise all steps '
                            'of a loop see the same batch)' % loop)
        if values.get('mix_compile_mode'):
            raise UserError('%s: must be 1 with --npu_options=mix_compile_mode=true (a loop runs '
                            'on the device alone)' % loop)
    if values.get('enable_dump') and values.get('enable_dump_debug'):
        raise _error('enable_dump=true', 'false with enable_dump_debug=true')


def for_plugin(config, known):
    """`values_of(config)` in the form that the installed plugin reads: dict, key -> value.

    Args:
      known: dict, argument of the plugin's run configuration -> its default; None if unknown, in
        which case the plugin is assumed to be recent.

    Raises:
      UserError: the installed version lacks an option or value, a file is missing, or a folder
        cannot be created.
    """
    values = values_of(config)
    if known is not None:
        _fit_to_version(values, known)
    for option in OPTIONS:
        if option.legal is _FOLDER and option.key in values:  # the plugin refuses links
            values[option.key] = os.path.realpath(make_folder(values[option.key]))
    if 'modify_mixlist' in values:
        values['modify_mixlist'] = require_file(values['modify_mixlist'], '--modify_mixlist')
    points = {key: values.pop('profiling_' + key, '') for key in ('fp_point', 'bp_point')}
    if 'profiling_path' in values:
        values['profiling_mode'] = True
        values['profiling_options'] = json.dumps(dict(
            points, output=values.pop('profiling_path'), training_trace='on', task_trace='on'))
    return values


def _fit_to_version(values, known):
    """Changes `values` to what the version with the arguments `known` reads."""
    for key in ('jit_compile', 'precision_mode_v2'):
        if key in values and key not in known:
            raise _error('%s=%s' % (key, values[key]), 'left out (the installed npu_bridge lacks '
                         'the option; versions with it: %s)' % _BY_KEY[key].versions)
    # Versions in which the option is a switch have a bool or None as default.
    if 'jit_compile' in values and not isinstance(known['jit_compile'], str):
        if values['jit_compile'] == 'auto':
            raise _error('jit_compile=auto', 'true or false (the installed npu_bridge is older '
                         'than r1.13)')
        values['jit_compile'] = values['jit_compile'] == 'true'
    if (values.get('modify_mixlist') == FLOAT32_OPS_FILE and 'precision_mode_v2' not in known
            and values['precision_mode'] != DEFAULT_MODE):
        del values['modify_mixlist']  # older versions refuse a list in the other mixed modes


def fill(parameter_map, values):
    """Writes options (key -> str, bool or int) into the `parameter_map` of a graph optimizer."""
    for key, value in sorted(values.items()):
        if isinstance(value, str):
            parameter_map[key].s = value.encode()
        else:
            setattr(parameter_map[key], 'b' if isinstance(value, bool) else 'i', value)


def describe():
    """The text of `--help_npu`."""
    import tabulate  # only needed here
    return '--npu_options=KEY=VALUE,KEY=VALUE,... with these keys of the Ascend plugin:\n\n%s' % (
        tabulate.tabulate(table(), ('key', 'effect', 'value', 'versions'), tablefmt='simple',
                          disable_numparse=True, maxcolwidths=[None, 36, 28, 12]))


def table():
    """Rows (key, effect, legal values, versions of the plugin) that describe the options."""
    return [(option.key, option.help + ('; needs %s' % option.needs if option.needs else ''),
             option.legal.words, option.versions) for option in OPTIONS]
