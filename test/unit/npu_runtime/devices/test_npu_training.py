"""Training through the NPU code path on the stand-in plugin."""
import numpy as np
import pytest

import npu_plugin
from checkpoint_values import values_of
from npu_runtime.training.metrics import read_metrics
from npu_runtime.training.task import Validation
from toy_training import (
    ONE_THREAD, kinked_model, random_batches, rows_of, run_toy, totals, train_rows, zeros_at)
from vo_common.errors import UserError

NPU = dict(device='npu', intra_op_threads=1, inter_op_threads=1)
FLOAT32 = dict(NPU, precision_mode='force_fp32')
LOOPS = dict(NPU, iterations_per_loop=4, enable_data_pre_proc=True, inter_op_threads=2)


def test_a_run_uses_the_session_of_the_plugin(plugin, tmp_path, capsys):
    run_toy(tmp_path, 1, runtime=NPU)
    assert plugin.given['precision_mode'] == 'allow_mix_precision'
    assert 'device: npu (--device=npu)' in capsys.readouterr().out


@pytest.mark.parametrize('flags,manager,scales', [
    (dict(loss_scale_growth_steps=2),
     ('ExponentialUpdateLossScaleManager', {'init_loss_scale': 512., 'incr_every_n_steps': 2}),
     [512., 1024., 1024.]),  # each the one after its step
    (dict(loss_scale='fixed'), ('FixedLossScaleManager', {'loss_scale': 512.}), [512.] * 3)])
def test_mixed_precision_uses_the_loss_scaling_of_the_plugin(
        plugin, tmp_path, flags, manager, scales):
    run_toy(tmp_path, 3, runtime=dict(NPU, loss_scale_value=512., **flags))
    assert plugin.names() == [manager[0], 'NPULossScaleOptimizer']
    assert plugin.calls[0] == manager
    assert plugin.calls[1][1]['is_distributed'] is False
    assert [row['loss_scale'] for row in train_rows(tmp_path)] == scales


def test_checkpoints_of_npu_and_cpu_have_the_same_keys_and_resume_on_either(plugin, tmp_path):
    on_npu = run_toy(tmp_path / 'moved', 4, runtime=NPU)
    scaled = dict(ONE_THREAD, loss_scale='dynamic')
    on_cpu = run_toy(tmp_path / 'cpu', 4, runtime=scaled)
    keys = [set(values_of(results['checkpoint'])) for results in (on_npu, on_cpu)]
    assert keys[0] - keys[1] == {'loss_scale/bad_steps'} and not keys[1] - keys[0]
    for step, runtime in ((5, ONE_THREAD), (6, NPU), (7, scaled), (8, FLOAT32)):
        assert run_toy(tmp_path / 'moved', step, runtime=runtime)['step'] == step
    run_toy(tmp_path / 'cpu', 8)
    np.testing.assert_allclose(totals(tmp_path / 'moved'), totals(tmp_path / 'cpu'), rtol=1e-5)


def test_ranks_average_gradients_and_share_every_float_variable(plugin, eight_ranks, tmp_path):
    run_toy(tmp_path / 'out', 2, runtime=NPU)
    names = plugin.names()
    assert names.index('NPUDistributedOptimizer') < names.index('NPULossScaleOptimizer')
    scaler, = plugin.of('NPULossScaleOptimizer')
    assert scaler['is_distributed'] is True
    assert type(scaler['opt']).__name__ == 'NPUDistributedOptimizer'
    shared = {call['tensor'][0].op.name for call in plugin.of('broadcast')}
    assert shared == {'net/weights', 'net/average', 'net/weights/Adam', 'net/weights/Adam_1',
                      'cond/beta1_power', 'cond/beta2_power', 'loss_scale'}
    # Logged values stay out of the fusion groups of the gradients.
    fusions = [call['fusion'] for call in plugin.of('allreduce')]
    assert fusions == [1, 0, 0, 0]  # the gradient, the float status, the values, the steps


@pytest.mark.parametrize('max_steps', [2, 4], ids=['rank 0 has nothing to do', 'all go on'])
def test_ranks_that_found_different_steps_report_the_step_of_each(
        plugin, eight_ranks, tmp_path, max_steps):
    run_toy(tmp_path / 'out', 2, runtime=FLOAT32)
    plugin.rows[7] = [0, 0]  # on a host that does not share the folder
    with pytest.raises(UserError, match=(
            'out: the ranks found different checkpoints .rank 0: step 2 after 2 batches, .*'
            'rank 6: step 2 after 2 batches, rank 7: step 0 after 0 batches')):
        run_toy(tmp_path / 'out', max_steps, runtime=FLOAT32)


def test_equal_ranks_that_are_done_have_nothing_to_do(plugin, eight_ranks, tmp_path, capsys):
    run_toy(tmp_path / 'out', 2, runtime=FLOAT32)
    assert 'NPULossScaleOptimizer' not in plugin.names()
    before = read_metrics(tmp_path / 'out')
    assert run_toy(tmp_path / 'out', 2, runtime=FLOAT32)['step'] == 2
    assert 'nothing to do' in capsys.readouterr().out
    assert read_metrics(tmp_path / 'out') == before


def test_equal_ranks_train_like_one(plugin, eight_ranks, tmp_path, monkeypatch):
    run_toy(tmp_path / 'eight', 3, runtime=FLOAT32)
    for name in ('RANK_SIZE', 'RANK_ID'):
        monkeypatch.delenv(name)
    run_toy(tmp_path / 'one', 3, runtime=FLOAT32,
            data=lambda start, rank, size: random_batches(start, 0, 8))
    np.testing.assert_allclose(totals(tmp_path / 'eight'), totals(tmp_path / 'one'), rtol=1e-6)


def test_sunk_steps_end_at_every_interval(plugin, tmp_path):
    sunk = dict(LOOPS, precision_mode='force_fp32', iterations_per_loop=100)
    validation = Validation(lambda: random_batches(0, 0, 1), 6, 1)
    run_toy(tmp_path, 12, runtime=sunk, log_freq=4, save_every=8, validation=validation)
    lengths = [call['iterations_per_loop'] for call in plugin.of('load_iteration_per_loop_var')]
    assert lengths == [4, 2, 4]  # set where the length changes: calls of 4, 2, 2 and 4 steps
    steps = {event: [row['step'] for row in rows_of(tmp_path, event)]
             for event in ('train', 'validation', 'checkpoint')}
    assert steps == {'train': [4, 8, 12], 'validation': [6, 12], 'checkpoint': [8, 12]}
    assert plugin.given['iterations_per_loop'] == 100


# Older plugins have other operations of the float status; in inf/nan mode the gradients are asked.
@pytest.mark.parametrize('plugin_as,runtime', [
    ({}, NPU), ({}, LOOPS), (dict(version='r1.9'), NPU), (dict(inf_nan=True), NPU),
    (dict(inf_nan=True), LOOPS)], ids=str)
def test_a_run_ends_at_its_last_step_and_counts_skipped_steps(tmp_path, plugin_as, runtime):
    with npu_plugin.installed(**plugin_as):
        results = run_toy(tmp_path, 12, runtime=runtime, model=kinked_model,
                          data=zeros_at(2, 6, 7), log_freq=6, save_every=6)
    last = train_rows(tmp_path)[-1]
    assert last['step'] == 12 and last['skipped_steps'] == 3
    assert last['loss_scale'] == pytest.approx(32768 * 0.8)
    values = values_of(results['checkpoint'])
    assert values['global_step'] == 12 and values['loss_scale/batches_seen'] == 15


def test_loops_train_like_single_steps_and_resume(plugin, tmp_path):
    settings = dict(model=kinked_model, data=zeros_at(2, 6, 7, 12), log_freq=4, save_every=4)
    run_toy(tmp_path / 'single', 16, runtime=NPU, **settings)
    run_toy(tmp_path / 'loops', 7, runtime=LOOPS, **settings)
    run_toy(tmp_path / 'loops', 16, runtime=LOOPS, **settings)
    rows = [{row['step']: (row['total'], row['loss_scale']) for row in train_rows(tmp_path / name)}
            for name in ('single', 'loops')]
    assert rows[0] == rows[1]
    # Every second overflow lowers the scale, whatever good steps, or a new start, are between.
    assert rows[0][16][1] == pytest.approx(32768 * 0.8 ** 2)
    # One graph a session, whatever its calls skip.
    assert sum('IterationOp' in names for names, _ in plugin.graphs) == 2
    # The loop is on to the end.
    assert plugin.of('load_iteration_per_loop_var')[-1] == {'iterations_per_loop': 4}


@pytest.mark.parametrize('runtime', [NPU, LOOPS], ids=['single steps', 'loops'])
def test_a_loss_scale_may_fall_to_1_before_training_proceeds(plugin, tmp_path, runtime):
    """94 overflows from 32768: more than any number that was meant for halvings."""
    results = run_toy(tmp_path, 4, runtime=runtime, model=kinked_model,
                      data=zeros_at(*range(1, 95)), save_every=0)
    assert results['step'] == 4
    assert train_rows(tmp_path)[-1]['loss_scale'] == 1.
    assert train_rows(tmp_path)[-1]['skipped_steps'] == 94


@pytest.mark.parametrize('runtime', [NPU, LOOPS], ids=['single steps', 'loops'])
def test_only_overflow_at_a_scale_of_1_ends_the_run(plugin, tmp_path, runtime):
    """After the 94 overflows down to 1, the one or two calls that see it, and 51 steps more."""
    with pytest.raises(UserError, match=r'5[1-4] steps in a row overflowed after step 1, loss '
                                        'scale 1:'):
        run_toy(tmp_path, 5, runtime=runtime, model=kinked_model,
                data=zeros_at(*range(1, 94 + 51 + 8)))


def test_only_the_training_call_communicates_whatever_a_run_shows_and_saves(
        plugin, eight_ranks, tmp_path):
    validation = Validation(lambda: random_batches(0, 0, 1), 2, 1)
    run_toy(tmp_path / 'out', 6, runtime=NPU, summary_freq=2, log_freq=1, save_every=2,
            validation=validation)
    exchanging = [' '.join(names) for names, has_collective in plugin.graphs if has_collective]
    assert ['train_op' in names for names in exchanging] == [False, True]  # broadcast, step
    # Start, broadcast, step, images, validation, two savers: each once.
    assert len(plugin.graphs) <= 12


def test_loops_have_no_effect_on_other_devices(tmp_path, capsys):
    run_toy(tmp_path, 3, runtime=dict(ONE_THREAD, iterations_per_loop=10,
                                      enable_data_pre_proc=True))
    assert '--iterations_per_loop=10 has no effect' in capsys.readouterr().out


@pytest.mark.parametrize('name,value,message', [
    ('JOB_ID', '', 'lacks JOB_ID'), ('RANK_TABLE_FILE', '', 'lacks RANK_TABLE_FILE'),
    ('RANK_TABLE_FILE', '/nowhere.json', '/nowhere.json'), ('RANK_ID', '8', 'must be 0 to 7'),
    ('RANK_ID', 'x', 'RANK_ID=x'), ('RANK_SIZE', '4', 'must be 0 to 3'),
    ('RANK_SIZE', '0', 'RANK_SIZE=0')])
def test_an_incomplete_launch_is_reported_before_training(
        plugin, eight_ranks, tmp_path, monkeypatch, name, value, message):
    monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=message):
        run_toy(tmp_path / 'out', 1, runtime=NPU)


def test_another_rank_writes_nothing(plugin, eight_ranks, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv('RANK_ID', '3')
    results = run_toy(tmp_path / 'out', 2, runtime=NPU)
    assert results['step'] == 2 and results['checkpoint'] is None
    assert not (tmp_path / 'out').exists()
    assert capsys.readouterr().out == ''
