"""The options of the Ascend plugin: one row each, from which all else follows.

A row makes the flag (`flag_fields`), the check (`check_together`), the entry of the plugin's
`parameter_map` (`values_of`, `fill`) and the line of docs/ascend.md (`documentation_table`). The
plugin ignores a key it does not know, reads a value in another proto field than the option's own as
empty, and ends the process or the session at an illegal value: all entries are made here.
"""
import dataclasses
import json
import os

from npu_runtime.devices.option_values import (
    BYTES, COUNT, DUMP_STEPS, FILE, FOLDER, JSON_OBJECT, NAME, SWITCH, one_of, require)
from vo_common.errors import UserError
from vo_common.files import make_folder, require_file
from vo_common.flags import flag, path_flag

# What layer norm, losses and geometry are made of: in float16 their epsilons are zero, variances
# cancel and sums overflow. By its list an NPU keeps gradients in float32 too; additions, which nets
# have as well, follow their first input or the attribute of `precision.kept_in_float32`.
FLOAT32_OPS_FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'float32_ops.json')

_MIXED_MODES = ('allow_mix_precision', 'allow_mix_precision_fp16', 'allow_mix_precision_bf16')
_MIXED_MODES_V2 = ('mixed_float16', 'mixed_bfloat16')
_LOWER_MODES = ('allow_fp32_to_fp16', 'force_fp16', 'allow_fp32_to_bf16')


@dataclasses.dataclass(frozen=True)
class Option:
    """One option of the plugin, or one flag that becomes part of an option.

    key: in the parameter_map; empty where the value enters another option.
    field: of the map's proto: s text, b switch, i whole number.
    legal: <option_values.Legal> the values.
    help: for `--help` and the documentation.
    flag: name of the flag where it is not the key; None where there is no flag.
    default: of the flag; that value is not written to the map, unless `always`.
    versions: of the plugin that have it, in words; empty for every version.
    needs: the flag without which the plugin does not look at this one.
    """
    key: str
    field: str
    legal: tuple
    help: str = ''
    flag: str = ''
    default: object = ''
    always: bool = False
    versions: str = ''
    needs: str = ''

    @property
    def name(self):
        """The name of the flag, None without one."""
        return self.key if self.flag == '' else self.flag

    @property
    def flag_help(self):
        """The help of the flag; that of the one which other devices read too says so itself."""
        return self.help if self.key == 'precision_mode' else 'NPU: ' + self.help


# r1.10 to r1.13 are branches of the published TF Adapter; 'later' says no more than that its first
# published parser, of 2020, lacks the option.
OPTIONS = (
    Option('use_off_line', 'b', SWITCH, flag=None),
    Option('precision_mode', 's', one_of(
        *_MIXED_MODES, *_LOWER_MODES, 'force_fp32', 'must_keep_origin_dtype',
        'cube_fp16in_fp32out'),
           'how the device may lower precision; empty is allow_mix_precision on an NPU, float32 '
           'elsewhere; allow_mix_precision is float16 on a GPU, bfloat16 on a CPU that has it'),
    Option('precision_mode_v2', 's', one_of(
        *_MIXED_MODES_V2, 'fp16', 'origin', 'cube_fp16in_fp32out'),
           'the newer form of precision_mode, instead of it', versions='r1.13 on'),
    Option('modify_mixlist', 's', FILE,
           'which ops may run in 16 bits; empty keeps layer norm, losses and geometry in float32, '
           'none takes the lists of the plugin', versions='later'),
    Option('iterations_per_loop', 'i', COUNT,
           'most steps in one session call; more than 1 needs enable_data_pre_proc', default=1),
    Option('enable_data_pre_proc', 'b', SWITCH, 'fetch the next batch on the device',
           default=False),
    Option('mix_compile_mode', 'b', SWITCH, 'let ops without an NPU kernel run on the host',
           default=False),
    Option('hcom_parallel', 'b', SWITCH, 'overlap the gradient exchange with the backward pass',
           default=True, always=True),
    Option('op_select_implmode', 's', one_of(
        'high_precision', 'high_performance', 'high_precision_for_all',
        'high_performance_for_all'), 'which implementation of ops to take', versions='later'),
    Option('jit_compile', 's', one_of('auto', 'true', 'false'),
           'compile ops online; auto from r1.13 on', versions='r1.10, r1.11, r1.13 on'),
    Option('graph_memory_max_size', 's', BYTES, 'memory for the feature maps of a graph'),
    Option('variable_memory_max_size', 's', BYTES, 'memory for the variables'),
    Option('op_compiler_cache_mode', 's', one_of('disable', 'enable', 'force'),
           'keep compiled ops for the next run', versions='later'),
    Option('op_compiler_cache_dir', 's', FOLDER, 'where they are kept', versions='later'),
    Option('aoe_mode', 's', one_of('1', '2', '4', 'mdat'),
           'tune: 1 graphs, 2 ops, 4 gradient exchange', versions='later'),
    Option('work_path', 's', FOLDER, 'where tuning writes its files; empty is the working folder',
           flag='aoe_path', versions='later', needs='aoe_mode'),
    Option('profiling_mode', 'b', SWITCH, flag=None),
    Option('profiling_options', 's', JSON_OBJECT, flag=None),
    Option('', '', FOLDER, 'profile, and write the step and task traces here',
           flag='profiling_path'),
    Option('', '', NAME, 'the first forward op, for the profiler', flag='profiling_fp_point',
           needs='profiling_path'),
    Option('', '', NAME, 'the last backward op, for the profiler', flag='profiling_bp_point',
           needs='profiling_path'),
    Option('enable_dump', 'b', SWITCH, 'dump the inputs and outputs of every op', default=False),
    Option('dump_path', 's', FOLDER, 'where dumps go'),
    Option('dump_step', 's', DUMP_STEPS, 'steps to dump', needs='enable_dump'),
    Option('dump_mode', 's', one_of('input', 'output', 'all'), 'what of each op to dump',
           needs='enable_dump'),
    Option('enable_dump_debug', 'b', SWITCH, 'dump the ops that overflow', default=False),
    Option('dump_debug_mode', 's', one_of('aicore_overflow', 'atomic_overflow', 'all'),
           'which overflows to dump', needs='enable_dump_debug'),
    Option('enable_exception_dump', 'i', one_of('0', '1', '2'), 'dump what failed',
           versions='later'),
)
_BY_KEY = {option.key: option for option in OPTIONS if option.key}


def flag_fields():
    """(name, type, dataclass field) of each option's flag, in the order of the rows: list."""
    fields = []
    for option in OPTIONS:
        if option.name:
            make = path_flag if option.legal.is_path else flag
            fields.append((option.name, option.legal.type,
                           make(option.default, option.flag_help)))
    return fields


def values_of(flags):
    """What the plugin is asked for by these flags: dict, key -> value, checked one by one.

    A flag left at its default leaves the option to the plugin, except for the precision mode and
    `hcom_parallel`, whose defaults differ between versions of the plugin.

    Args:
      flags: RuntimeConfig.

    Raises:
      UserError: an illegal value.
    """
    values = {'use_off_line': True}
    for option in OPTIONS:
        if not option.name:
            continue
        value = getattr(flags, option.name)
        if value != '':  # an empty text asks for nothing
            require(option.name, value, option.legal)
        if option.key and (value != option.default or option.always):
            values[option.key] = int(value) if option.field == 'i' else value
    if 'precision_mode_v2' not in values:
        values.setdefault('precision_mode', 'allow_mix_precision')
    if flags.modify_mixlist == 'none':
        del values['modify_mixlist']
    elif takes_mixlist(values):
        values.setdefault('modify_mixlist', FLOAT32_OPS_FILE)
    if flags.profiling_path:
        values['profiling_mode'] = True
        values['profiling_options'] = _profiling_options(flags)
    return values


def is_mixed(values):
    """Whether the options `values` (key -> value) let the device compute in 16 bits."""
    return (values.get('precision_mode') in _MIXED_MODES + _LOWER_MODES
            or values.get('precision_mode_v2') in _MIXED_MODES_V2 + ('fp16',))


def takes_mixlist(values):
    """Whether the options `values` (key -> value) mix precisions by lists of operations."""
    return (values.get('precision_mode') in _MIXED_MODES
            or values.get('precision_mode_v2') in _MIXED_MODES_V2)


def check_together(flags):
    """Raises a UserError when a flag is illegal, or flags that are legal do not go together.

    Args:
      flags: RuntimeConfig.
    """
    values = values_of(flags)
    if 'precision_mode' in values and 'precision_mode_v2' in values:
        raise UserError('--precision_mode=%s: must be left out beside --precision_mode_v2=%s'
                        % (flags.precision_mode, flags.precision_mode_v2))
    if 'modify_mixlist' in values and not takes_mixlist(values):
        raise UserError(
            '--modify_mixlist=%s: must come with --precision_mode=%s or --precision_mode_v2=%s'
            % (flags.modify_mixlist, '|'.join(_MIXED_MODES), '|'.join(_MIXED_MODES_V2)))
    if flags.iterations_per_loop > 1 and not flags.enable_data_pre_proc:
        raise UserError('--iterations_per_loop=%d: must come with --enable_data_pre_proc (every '
                        'step of a loop would see the same batch)' % flags.iterations_per_loop)
    if flags.iterations_per_loop > 1 and flags.mix_compile_mode:
        raise UserError('--iterations_per_loop=%d: must be 1 with --mix_compile_mode (a loop runs '
                        'on the device alone)' % flags.iterations_per_loop)
    if flags.enable_dump and flags.enable_dump_debug:
        raise UserError('--enable_dump=true: must be false with --enable_dump_debug')
    for switch in ('enable_dump', 'enable_dump_debug'):
        if getattr(flags, switch) and not flags.dump_path:
            raise UserError('--%s=true: must come with --dump_path' % switch)
    for option in OPTIONS:
        if option.needs and getattr(flags, option.name) and not getattr(flags, option.needs):
            raise UserError('--%s=%s: must come with --%s'
                            % (option.name, getattr(flags, option.name), option.needs))


def prepare_paths(values):
    """`values` with real paths: folders made, files known to be there.

    The plugin refuses a folder that is a symbolic link, so links are followed here.
    """
    prepared = dict(values)
    for key, option in _BY_KEY.items():
        if key in prepared and option.legal is FOLDER:
            prepared[key] = os.path.realpath(make_folder(prepared[key]))
    if 'modify_mixlist' in prepared:
        prepared['modify_mixlist'] = require_file(prepared['modify_mixlist'], '--modify_mixlist')
    if 'profiling_options' in prepared:
        options = json.loads(prepared['profiling_options'])
        options['output'] = os.path.realpath(make_folder(options['output']))
        prepared['profiling_options'] = json.dumps(options)
    return prepared


def _profiling_options(flags):
    """The JSON text that asks the profiler for the step trace and the task trace."""
    return json.dumps({
        'output': flags.profiling_path, 'training_trace': 'on', 'task_trace': 'on',
        'fp_point': flags.profiling_fp_point, 'bp_point': flags.profiling_bp_point})


def fit_to_plugin(values, known):
    """`values` as the installed version of the plugin reads them.

    Args:
      values: dict, key -> value.
      known: dict, argument of the plugin's own run configuration -> its default; None where it
        cannot be told, which takes the plugin for a new one.

    Raises:
      UserError: the version lacks an option or a value that is asked for.
    """
    if known is None:
        return values
    fitted = dict(values)
    for key in ('jit_compile', 'precision_mode_v2'):
        if key in fitted and key not in known:
            raise UserError('--%s=%s: must be left out (the installed npu_bridge lacks the option; '
                            'versions that have it: %s)'
                            % (key, fitted[key], _BY_KEY[key].versions))
    # Versions that read it as a switch default to a switch or to None.
    if 'jit_compile' in fitted and not isinstance(known['jit_compile'], str):
        if fitted['jit_compile'] == 'auto':
            raise UserError('--jit_compile=auto: must be true or false (the installed npu_bridge '
                            'is older than r1.13)')
        fitted['jit_compile'] = fitted['jit_compile'] == 'true'
    if (fitted.get('modify_mixlist') == FLOAT32_OPS_FILE and 'precision_mode_v2' not in known
            and fitted['precision_mode'] != 'allow_mix_precision'):
        del fitted['modify_mixlist']  # older ones refuse a list with the other mixed modes
    return fitted


def fill(parameter_map, values):
    """Writes options into a graph optimizer's `parameter_map`, each in its proto field.

    Args:
      parameter_map: of a `RewriterConfig.CustomGraphOptimizer`.
      values: dict, key -> value, of `fit_to_plugin`.

    Raises:
      UserError: an unknown key.
    """
    for key in sorted(values):
        if key not in _BY_KEY:
            raise UserError('the NPU plugin has no option %r; options: %s'
                            % (key, ', '.join(sorted(_BY_KEY))))
        value = values[key]
        if isinstance(value, str):
            parameter_map[key].s = value.encode()
        else:
            setattr(parameter_map[key], 'b' if isinstance(value, bool) else 'i', value)


def documentation_table():
    """The Markdown table of the flags, for docs/ascend.md: list of lines."""
    lines = ['| flag | what for | legal values | versions |', '|---|---|---|---|']
    for option in OPTIONS:
        if option.name:
            words = option.legal.words.replace('|', '\\|')
            words += '' if option.default == '' else ' (default %s)' % str(option.default).lower()
            needs = '; needs `--%s`' % option.needs if option.needs else ''
            lines.append('| `--%s` | %s%s | %s | %s |' % (
                option.name, option.help, needs, words, option.versions))
    return lines
