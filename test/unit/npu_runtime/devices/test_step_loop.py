"""Several steps in one session call: as many as one by one, whatever loss scaling skips."""
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import npu_plugin
from common.errors import UserError
from device_steps import make_steps
from npu_runtime.devices.choose import Device
from npu_runtime.devices.flags import RuntimeConfig
from npu_runtime.devices.skipped_steps import SkippedSteps, steps_in_next_call
from npu_runtime.devices.tensorflow_devices import SingleSteps

CPU, NPU = Device('cpu', 'test'), Device('npu', 'test')


@pytest.fixture
def plugin():
    with npu_plugin.installed() as record:
        yield record


def sunk(steps=4):
    return RuntimeConfig(device='npu', iterations_per_loop=steps, enable_data_pre_proc=True)


def test_a_call_makes_as_many_steps_as_it_is_asked_for(plugin):
    run = make_steps(NPU, sunk(), 10)
    assert [(call.asked, call.step) for call in run.calls] == [(4, 4), (4, 8), (2, 10)]
    assert [call.batches_seen for call in run.calls] == [4, 8, 10]


def test_skipped_steps_neither_overshoot_the_end_nor_switch_the_loop_off(plugin):
    run = make_steps(NPU, sunk(), 10, bad=(2, 7, 8))
    assert run.calls[-1].step == 10 and run.skipped == 3
    assert [(call.asked, call.step) for call in run.calls] == [
        (4, 3), (4, 5), (4, 9), (1, 10)]
    assert run.calls[-1].batches_seen == 13
    assert plugin.names().count('load_iteration_per_loop_var') == 2  # where the length changed


def test_a_loop_of_skipped_steps_trains_what_single_steps_train(plugin):
    loop = make_steps(NPU, sunk(), 10, bad=(2, 7, 8))
    single = make_steps(NPU, RuntimeConfig(device='npu'), 10, bad=(2, 7, 8))
    assert loop.weights == single.weights and loop.skipped == single.skipped
    assert loop.calls[-1].scale == single.calls[-1].scale == pytest.approx(0.8 * 32768)
    on_cpu = make_steps(CPU, RuntimeConfig(device='cpu', loss_scale='dynamic'), 10, bad=(2, 7, 8))
    np.testing.assert_allclose(loop.weights, on_cpu.weights, rtol=1e-6)


def test_every_interval_is_met_on_its_step(plugin):
    steps = [call.step for call in make_steps(NPU, sunk(100), 24, bad=(3,),
                                              intervals=(10, 8, 0)).calls]
    assert {8, 10, 16, 20, 24} <= set(steps) and steps == sorted(steps)


def test_all_calls_run_one_graph_whatever_they_skip(plugin):
    make_steps(NPU, sunk(), 10, bad=(2, 7))
    calls = [names for names, _ in plugin.graphs if 'IterationOp' in names]
    assert len(calls) == 1


def test_one_step_a_call_asks_nothing_of_the_plugin(plugin):
    loop = NPU.own.step_loop(None, RuntimeConfig(device='npu'))
    assert isinstance(loop, SingleSteps) and loop.most_steps == 1
    assert plugin.names() == []


def test_a_cpu_says_that_it_makes_no_loops(capsys):
    loop = CPU.own.step_loop(None, sunk(100))
    assert loop.most_steps == 1
    assert '--iterations_per_loop=100 has no effect' in capsys.readouterr().out


@pytest.mark.parametrize('step,intervals,steps', [
    (0, (), 50), (0, (20,), 20), (19, (20, 30), 1), (95, (), 5), (95, (3,), 1), (60, (0,), 40)])
def test_a_call_ends_where_something_is_due(step, intervals, steps):
    loop = SingleSteps(None)
    loop.most_steps = 50
    assert steps_in_next_call(step, 100, loop, intervals) == steps


@pytest.mark.parametrize('scale', [1., 2., 32768., 2. ** 20])
def test_the_way_down_to_a_scale_of_1_is_as_long_as_the_plugins_own(plugin, scale):
    from npu_bridge.estimator.npu.npu_loss_scale_manager import ExponentialUpdateLossScaleManager
    with tf.Graph().as_default(), tf.Session() as session:
        manager = ExponentialUpdateLossScaleManager(scale, 2000)
        overflow = manager.update_loss_scale(tf.constant(False))
        session.run(tf.global_variables_initializer())
        overflows = 0
        while session.run(manager.get_loss_scale()) > 1.:
            session.run(overflow)
            overflows += 1
    assert NPU.own.overflows_to_one(scale) == overflows


def test_a_cpus_scale_is_halved_at_every_overflow():
    assert CPU.own.overflows_to_one(32768.) == 15


@pytest.mark.parametrize('steps', [1, 8])
def test_a_run_may_overflow_until_its_scale_is_1_and_then_goes_on(plugin, steps):
    longest = NPU.own.overflows_to_one(32768.)
    config = sunk(steps) if steps > 1 else RuntimeConfig(device='npu')
    run = make_steps(NPU, config, 4, bad=range(2, 2 + longest))
    assert run.skipped == longest and run.calls[-1].step == 4
    assert run.calls[-1].scale == 1.


def test_endless_overflow_ends_with_a_sentence_soon_after_the_scale_is_1(plugin):
    with pytest.raises(UserError, match=r'^(\d+) steps in a row overflowed after step 1, loss '
                                        'scale 1: .*lower --learning_rate') as raised:
        make_steps(NPU, RuntimeConfig(device='npu'), 4, bad=range(2, 500))
    number = int(str(raised.value).split()[0])
    longest = NPU.own.overflows_to_one(32768.)
    assert longest < number < longest + 20


def test_a_scale_that_never_changes_ends_the_run_after_50_overflows(plugin):
    with pytest.raises(UserError, match='51 steps in a row overflowed'):
        make_steps(NPU, RuntimeConfig(device='npu', loss_scale='fixed'), 4, bad=range(2, 500))


def test_a_resumed_run_goes_on_counting_what_was_skipped_before():
    skipped = SkippedSteps(CPU, 'dynamic', 100, 103)
    assert skipped.total == 3
    assert skipped.update(101, 104, 1024.) and skipped.total == 3
    assert not skipped.update(101, 106, 512.) and skipped.total == 5


def test_overflow_is_read_from_the_float_status_and_not_from_the_gradients(plugin):
    """The device saturates: the gradients that reach the optimizer are finite all the same."""
    from npu_bridge.estimator.npu.npu_loss_scale_manager import FixedLossScaleManager
    from npu_bridge.estimator.npu.npu_loss_scale_optimizer import NPULossScaleOptimizer
    with tf.Graph().as_default(), tf.Session() as session:
        step = tf.train.get_or_create_global_step()
        weights = tf.get_variable('weights', [2], initializer=tf.zeros_initializer())
        optimizer = NPULossScaleOptimizer(tf.train.GradientDescentOptimizer(1.),
                                          FixedLossScaleManager(2.))
        pairs = optimizer.compute_gradients(tf.reduce_sum(tf.sqrt(weights)))
        update = optimizer.apply_gradients(pairs, step)
        session.run(tf.global_variables_initializer())
        assert np.isfinite(session.run(pairs[0][0])).all()
        session.run(update)
        assert session.run(step) == 0 and session.run(weights).tolist() == [0., 0.]
