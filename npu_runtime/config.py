"""The flags that say on what, and how, a model runs."""
import dataclasses

from common.errors import UserError
from common.flags import flag, path_flag
from npu_runtime.devices import npu_options

DEVICES = ('auto', 'npu', 'gpu', 'cpu')
LOSS_SCALES = ('auto', 'off', 'dynamic', 'fixed')


@dataclasses.dataclass
class RuntimeConfig:
    """Device, precision and speed.

    Checked when made, before TensorFlow starts. Options of the NPU have no effect elsewhere.
    """
    device: str = flag('auto', 'where to run; auto takes an NPU, else a GPU, else the CPU',
                       choices=DEVICES)
    intra_op_threads: int = flag(0, 'CPU threads inside one operation; 0 is one for every '
                              'core, which the ranks of a host share')
    inter_op_threads: int = flag(0, 'CPU operations at a time; 0 is one for every core')
    precision_mode: str = flag(
        '', 'how the device may lower precision; empty is allow_mix_precision on an NPU, '
        'float32 elsewhere')
    precision_mode_v2: str = flag('', 'NPU: the newer form of precision_mode, instead of it')
    modify_mixlist: str = path_flag(
        '', 'NPU: file that says which ops may run in float16; empty keeps layer norm and losses '
        'in float32, none takes the lists of the plugin')
    loss_scale: str = flag('auto', 'loss scaling; auto is dynamic where precision is mixed',
                           choices=LOSS_SCALES)
    loss_scale_value: float = flag(32768.0, 'the loss scale, or with dynamic the first one')
    loss_scale_growth_steps: int = flag(2000, 'good steps before a dynamic loss scale doubles')
    learning_rate_scaling: bool = flag(False, 'multiply the learning rate by the number of ranks')
    iterations_per_loop: int = flag(1, 'NPU: steps in one call; needs enable_data_pre_proc')
    enable_data_pre_proc: bool = flag(False, 'NPU: fetch the next batch on the device')
    mix_compile_mode: bool = flag(False, 'NPU: let ops without an NPU kernel run on the host')
    hcom_parallel: bool = flag(False, 'NPU: overlap the gradient exchange with the backward pass')
    op_select_implmode: str = flag('', 'NPU: high_precision or high_performance [_for_all]')
    jit_compile: str = flag('', 'NPU: compile ops online: auto, true or false')
    graph_memory_max_size: str = flag('', 'NPU: bytes for the feature maps of a graph')
    variable_memory_max_size: str = flag('', 'NPU: bytes for the variables')
    op_compiler_cache_mode: str = flag('', 'NPU: cache of compiled ops: disable, enable or force')
    op_compiler_cache_dir: str = path_flag('', 'NPU: folder of that cache')
    aoe_mode: str = flag('', 'NPU: tune ops: 1, 2, 4 or mdat')
    profiling_path: str = path_flag('', 'NPU: profile, and write the traces to this folder')
    profiling_fp_point: str = flag('', 'NPU: name of the first forward op, for the profiler')
    profiling_bp_point: str = flag('', 'NPU: name of the last backward op, for the profiler')
    dump_path: str = path_flag('', 'NPU: folder of the dumps that enable_dump, enable_dump_debug ask')
    enable_dump: bool = flag(False, 'NPU: dump the inputs and outputs of every op')
    dump_step: str = flag('', 'NPU: steps to dump, as in 0|5|10-20')
    dump_mode: str = flag('', 'NPU: dump input, output or all')
    enable_dump_debug: bool = flag(False, 'NPU: dump the ops that overflow')
    dump_debug_mode: str = flag('', 'NPU: aicore_overflow, atomic_overflow or all')
    enable_exception_dump: str = flag('', 'NPU: dump what failed: 0, 1 or 2',
                                      choices=('', '0', '1', '2'))

    def __post_init__(self):
        for name, legal in (('device', DEVICES), ('loss_scale', LOSS_SCALES)):
            if getattr(self, name) not in legal:
                raise UserError('--%s is %r; legal values: %s'
                                % (name, getattr(self, name), ', '.join(legal)))
        for name in ('intra_op_threads', 'inter_op_threads'):
            if getattr(self, name) < 0:
                raise UserError('--%s is %d; wanted is a number of threads, or 0 for every core'
                                % (name, getattr(self, name)))
        if not 1 <= self.loss_scale_value <= 3e38:
            raise UserError('--loss_scale_value is %g; wanted is a number of at least 1'
                            % self.loss_scale_value)
        if self.loss_scale_growth_steps < 1:
            raise UserError('--loss_scale_growth_steps is %d; wanted is at least 1'
                            % self.loss_scale_growth_steps)
        npu_options.check_together(self.npu_values())

    def npu_values(self):
        """The plugin's options that these flags ask for: dict, key -> value.

        A flag left empty or false leaves the plugin's own default, except for the precision mode,
        which is named always: the plugin's default differs between its versions.
        """
        values = {'use_off_line': True}
        for key in npu_options.OPTIONS:
            value = getattr(self, key, '')
            if value is not False and value != '':
                values[key] = value
        if self.iterations_per_loop == 1:
            values.pop('iterations_per_loop', None)
        if 'precision_mode_v2' not in values:
            values.setdefault('precision_mode', 'allow_mix_precision')
        if self.modify_mixlist == 'none':
            del values['modify_mixlist']
        elif npu_options.takes_mixlist(values):
            values.setdefault('modify_mixlist', npu_options.FLOAT32_OPS_FILE)
        if self.enable_exception_dump:
            values['enable_exception_dump'] = int(self.enable_exception_dump)
        if self.profiling_path:
            values['profiling_mode'] = True
            values['profiling_options'] = npu_options.profiling_options(
                self.profiling_path, self.profiling_fp_point, self.profiling_bp_point)
        return values
