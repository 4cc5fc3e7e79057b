"""Options of the NPU plugin: known keys, legal values, each in the field of its type."""
import dataclasses
import itertools
import json
import os

import pytest
import tensorflow.compat.v1 as tf

import npu_plugin
from npu_runtime.devices import npu_options
from npu_runtime.devices.choose import Device
from npu_runtime.devices.flags import RuntimeConfig
from npu_runtime.session import session_config
from repository import ROOT
from vo_common.errors import UserError
from vo_common.flags import as_typed, parse_flags

NPU = Device('npu', 'test')
FLAGS = [field.name for field in dataclasses.fields(RuntimeConfig)]


def configured(**values):
    """RuntimeConfig of these values; names that are not flags are keys of --npu_options."""
    flags = {name: values.pop(name) for name in FLAGS if name in values}
    options = ['%s=%s' % (key, as_typed(value)) for key, value in values.items()]
    return RuntimeConfig(npu_options=options, **flags)


def read_back(version='r1.13', **flags):
    """What the plugin reads of the configuration of these flags, none of which it refuses."""
    with npu_plugin.installed(version) as record:
        return record.options(session_config(NPU, configured(device='npu', **flags)))


def test_mixed_precision_is_the_default_and_keeps_layer_norm_and_losses_in_float32():
    read = read_back()
    with open(read.pop('modify_mixlist')) as stream:
        kept = json.load(stream)['black-list']['to-add']
    assert {'ReduceMeanD', 'Rsqrt', 'Mul', 'Sub', 'RealDiv'} <= set(kept)
    assert not {'Add', 'Conv2D', 'ReluGrad', 'BatchNorm'} & set(kept)  # what the nets are made of
    assert read == {'precision_mode': 'allow_mix_precision', 'use_off_line': True,
                    'hcom_parallel': True}


@pytest.mark.parametrize('version,flags,has_list', [
    ('r1.13', dict(modify_mixlist='none'), False),
    ('r1.13', dict(precision_mode='force_fp32'), False),
    ('r1.13', dict(precision_mode_v2='fp16'), False),
    ('r1.13', dict(precision_mode='cube_fp16in_fp32out'), False),
    ('r1.13', dict(precision_mode='allow_mix_precision_fp16'), True),
    ('r1.11', {}, True), ('r1.11', dict(precision_mode='allow_mix_precision_fp16'), False)])
def test_a_list_of_ops_is_passed_exactly_in_modes_that_take_one(version, flags, has_list):
    assert ('modify_mixlist' in read_back(version, **flags)) == has_list


LEGAL = {
    'precision_mode': ['force_fp32', 'allow_mix_precision_bf16', 'cube_fp16in_fp32out'],
    'precision_mode_v2': ['fp16', 'origin', 'cube_fp16in_fp32out', 'mixed_float16',
                          'mixed_bfloat16'],
    'mix_compile_mode': [True], 'enable_data_pre_proc': [True], 'hcom_parallel': [False],
    'op_select_implmode': ['high_precision', 'high_performance_for_all'],
    'enable_exception_dump': ['0', '1', '2'],
    'aoe_mode': ['1', '2', '4', 'mdat'], 'jit_compile': ['auto', 'true', 'false'],
    'graph_memory_max_size': ['17179869184'], 'variable_memory_max_size': ['1'],
    'op_compiler_cache_mode': ['enable', 'disable', 'force'],
}


@pytest.mark.parametrize('key,value', [(key, value) for key in LEGAL for value in LEGAL[key]])
def test_the_plugin_reads_the_given_value(key, value):
    found = int(value) if key == 'enable_exception_dump' else value
    assert read_back(**{key: value})[key] == found


def test_loops_dumps_and_profiles_reach_the_plugin_and_folders_are_created(tmp_path):
    mixlist = tmp_path / 'mixlist.json'
    mixlist.write_text('{}')
    read = read_back(
        iterations_per_loop=10, enable_data_pre_proc=True, modify_mixlist=str(mixlist),
        enable_dump=True, dump_path=str(tmp_path / 'dump'), dump_step='0|5|10-20',
        dump_mode='all', profiling_path=str(tmp_path / 'my profile'), profiling_fp_point='conv',
        op_compiler_cache_dir=str(tmp_path / 'cache'))
    assert read['iterations_per_loop'] == 10
    assert read['dump_path'] == str(tmp_path / 'dump')
    assert read['dump_step'] == '0|5|10-20'
    assert read['profiling_mode'] is True
    profile = json.loads(read['profiling_options'])
    assert profile == {'output': str(tmp_path / 'my profile'), 'training_trace': 'on',
                       'task_trace': 'on', 'fp_point': 'conv', 'bp_point': ''}
    assert all((tmp_path / name).is_dir() for name in ('dump', 'my profile', 'cache'))


def test_folders_are_expanded_at_their_beginning_and_links_resolved(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    real, link = tmp_path / 'a$HOME', tmp_path / 'link'
    real.mkdir()
    link.symlink_to(real)
    read = read_back(enable_dump=True, dump_path='$HOME/link', aoe_mode='2', work_path='~/a$HOME',
                     profiling_path=str(link))
    assert read['dump_path'] == read['work_path'] == os.path.realpath(str(real))
    assert json.loads(read['profiling_options'])['output'] == read['dump_path']


STEPS = '|'.join(str(step) for step in range(100))


@pytest.mark.parametrize('steps', ['0', '0|5|10-20', STEPS, '7|7'])
def test_dump_steps_that_the_plugin_accepts_are_accepted(tmp_path, steps):
    assert read_back(enable_dump=True, dump_path=str(tmp_path), dump_step=steps)[
        'dump_step'] == steps


# The default in the plugin's own configuration is true in r1.10, None in r1.11.
@pytest.mark.parametrize('version,value,read', [
    ('r1.11', 'true', True), ('r1.10', 'true', True),
    ('r1.11', 'false', False), ('r1.10', 'false', False)])
def test_older_plugins_read_jit_compile_as_a_switch_whatever_its_default(version, value, read):
    assert read_back(version, jit_compile=value)['jit_compile'] == read


@pytest.mark.parametrize('version,flags,message', [
    ('r1.11', dict(jit_compile='auto'), '--npu_options=jit_compile=auto: must be true or false'),
    ('r1.9', dict(jit_compile='true'), '=jit_compile=true: must be left out .*: r1.10, r1.11, '),
    ('r1.12', dict(jit_compile='auto'), '=jit_compile=auto: must be left out .*r1.13 on'),
    ('r1.12', dict(precision_mode_v2='fp16'), '=precision_mode_v2=fp16: must be left out .*r1.13'),
    ('r1.13', dict(modify_mixlist='/nowhere/gray.json'), '--modify_mixlist /nowhere/gray.json '),
    ('r1.13', dict(enable_data_pre_proc=True, inter_op_threads=1),
     '--inter_op_threads=1: must be at least 2, or 0, with --enable_data_pre_proc')])
def test_options_that_the_plugin_lacks_or_cannot_follow_are_refused(version, flags, message):
    with pytest.raises(UserError, match=message):
        read_back(version, **flags)


def test_the_table_in_docs_and_the_help_have_every_option(capsys):
    text = (ROOT / 'docs' / 'ascend.md').read_text(encoding='utf-8')
    rows = ['| `%s` | %s | %s | %s |' % row for row in npu_options.table()]
    assert '\n'.join(rows).replace('0|5|', '0\\|5\\|') in text
    with pytest.raises(SystemExit) as end:
        parse_flags('', RuntimeConfig, argv=['--help_npu'])
    described = capsys.readouterr().out
    assert end.value.code == 0
    assert all(option.key in described for option in npu_options.OPTIONS)


@pytest.mark.parametrize('item,message', [
    ('dump_steps=1', '--npu_options=dump_steps=1: must be one of the keys precision_mode_v2, mix_'),
    ('precision_mode=fp16', '--npu_options=precision_mode=fp16: must be one of the keys'),
    ('jit_compile', '--npu_options=jit_compile: must be KEY=VALUE'),
    ('dump_path=', '--npu_options=dump_path=: must be a folder'),
    ('dump_step=5-5', '--npu_options=dump_step=5-5: must be at most 100 steps and increasing '
                      'ranges, as in 0|5|10-20'),
    ('op_select_implmode=high', '--npu_options=op_select_implmode=high: must be one of '
                                'high_precision, high_performance'),
    ('jit_compile=auto,jit_compile=true', '--npu_options=jit_compile=true: must be given once')])
def test_a_wrong_option_is_refused_with_the_legal_ones(item, message):
    with pytest.raises(UserError) as error:
        parse_flags('', RuntimeConfig, argv=['--npu_options=' + item])
    assert str(error.value).startswith(message)


ILLEGAL = [
    dict(precision_mode='fp16'), dict(precision_mode_v2='allow_mix_precision'),
    dict(enable_exception_dump='3'), dict(jit_compile='on'), dict(dump_step='1'),
    dict(dump_mode='all'), dict(dump_debug_mode='all'), dict(work_path='/tmp'),
    dict(profiling_fp_point='conv'), dict(graph_memory_max_size='\u00b2'),
    dict(graph_memory_max_size='16GB'), dict(variable_memory_max_size='0'),
    dict(iterations_per_loop=0), dict(iterations_per_loop=10),
    dict(iterations_per_loop=10, enable_data_pre_proc=True, mix_compile_mode=True),
    dict(precision_mode='force_fp32', precision_mode_v2='fp16'),
    dict(modify_mixlist='x.json', precision_mode='force_fp32'),
    dict(enable_dump=True), dict(enable_dump_debug=True),
    dict(enable_dump=True, enable_dump_debug=True, dump_path='/tmp'),
    dict(loss_scale='sometimes'), dict(loss_scale_value=0.5), dict(loss_scale_growth_steps=0),
    dict(intra_op_threads=-1)] + [
        dict(enable_dump=True, dump_path='/tmp', dump_step=steps) for steps in (
            '5-5', '20-10', '5-', '-5', '1-2-3', '|', '1|', '\u00b2', '1|\u0663', ' 1', 'x',
            STEPS + '|100', '4294967297', '1-99999999999')]


@pytest.mark.parametrize('flags', ILLEGAL, ids=str)
def test_illegal_values_are_refused_before_tensorflow_starts(flags):
    with pytest.raises(UserError) as raised:
        configured(**flags)
    assert '--' in str(raised.value)


@pytest.mark.parametrize('values', [
    dict(dump_step='5-5'), dict(iterations_per_loop=0), dict(aoe_mode='3'), dict(jit_compile=True),
    dict(work_path='nowhere', aoe_mode='1'), dict(dump_path='link', enable_dump=True),
    dict(precision_mode='force_fp32', precision_mode_v2='fp16'),
    dict(precision_mode='force_fp32', modify_mixlist='x')], ids=str)
def test_the_stand_in_refuses_what_the_plugin_refuses(plugin, tmp_path, monkeypatch, values):
    """As TF Adapter r1.13 did with its device emulated; the product lets none of them through."""
    monkeypatch.chdir(tmp_path)
    os.symlink('.', 'link')
    proto = tf.ConfigProto()
    optimizer = proto.graph_options.rewrite_options.custom_optimizers.add(name='NpuOptimizer')
    npu_options.fill(optimizer.parameter_map, values)
    with pytest.raises(plugin.Fatal):
        plugin.options(proto)


def test_fetching_data_on_the_device_uses_two_threads_even_on_one_core(monkeypatch):
    """With one thread the plugin never reaches the first step."""
    monkeypatch.setattr(os, 'sched_getaffinity', lambda process: {0})
    proto = session_config(NPU, configured(enable_data_pre_proc=True))
    assert proto.inter_op_parallelism_threads == 2


def test_every_pair_of_flags_makes_a_legal_configuration_or_is_refused(tmp_path):
    samples = [(key, values[0]) for key, values in LEGAL.items()] + [
        ('iterations_per_loop', 4), ('enable_dump', True), ('enable_dump_debug', True),
        ('dump_path', str(tmp_path)), ('dump_step', '1'), ('dump_mode', 'all'),
        ('profiling_path', str(tmp_path)), ('work_path', str(tmp_path))]
    for first, second in itertools.combinations(samples, 2):
        try:
            read = read_back(**dict([first, second]))
        except UserError:
            continue
        assert ('precision_mode' in read) != ('precision_mode_v2' in read)
        assert read.get('iterations_per_loop', 1) == 1 or read['enable_data_pre_proc']
