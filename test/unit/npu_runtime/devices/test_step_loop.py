"""Several steps in one session call: as many as one by one, whatever loss scaling skips."""
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import npu_plugin
from device_steps import make_steps
from npu_runtime.devices.choose import Device
from npu_runtime.devices.flags import RuntimeConfig
from npu_runtime.devices.cpu import SingleSteps

CPU, NPU = Device('cpu', 'test'), Device('npu', 'test')


def sunk(steps=4):
    return RuntimeConfig(device='npu', iterations_per_loop=steps, enable_data_pre_proc=True)


def test_a_call_makes_as_many_steps_as_it_is_asked_for(plugin):
    run = make_steps(NPU, sunk(), 10)
    assert [(call.asked, call.step) for call in run.calls] == [(4, 4), (4, 8), (2, 10)]
    assert run.skipped == 0


def test_skipped_steps_neither_overshoot_the_end_nor_switch_the_loop_off(plugin):
    run = make_steps(NPU, sunk(), 10, bad=(2, 7, 8))
    assert run.calls[-1].step == 10 and run.skipped == 3
    assert [(call.asked, call.step) for call in run.calls] == [
        (4, 3), (4, 5), (4, 9), (1, 10)]
    assert plugin.names().count('load_iteration_per_loop_var') == 2  # where the length changed


def test_a_loop_of_skipped_steps_trains_what_single_steps_train(plugin):
    loop = make_steps(NPU, sunk(), 10, bad=(2, 7, 8))
    single = make_steps(NPU, RuntimeConfig(device='npu'), 10, bad=(2, 7, 8))
    assert loop.weights == single.weights and loop.skipped == single.skipped
    assert loop.calls[-1].scale == single.calls[-1].scale == pytest.approx(0.8 * 32768)
    on_cpu = make_steps(CPU, RuntimeConfig(device='cpu', loss_scale='dynamic'), 10, bad=(2, 7, 8))
    np.testing.assert_allclose(loop.weights, on_cpu.weights, rtol=1e-6)


def test_a_device_with_infinities_skips_by_the_gradients_what_a_saturating_one_skips(plugin):
    saturating = make_steps(NPU, sunk(), 10, bad=(2, 7, 8))
    with npu_plugin.installed(inf_nan=True) as record:
        infinite = make_steps(NPU, sunk(), 10, bad=(2, 7, 8))
        assert 'IterationOp' in set().union(*(names for names, _ in record.graphs))
    assert infinite == saturating


def test_every_interval_is_met_on_its_step(plugin):
    steps = [call.step for call in make_steps(NPU, sunk(100), 24, bad=(3,),
                                              intervals=(10, 8, 0)).calls]
    assert {8, 10, 16, 20, 24} <= set(steps) and steps == sorted(steps)


def test_all_calls_run_one_graph_whatever_they_skip(plugin):
    make_steps(NPU, sunk(), 10, bad=(2, 7))
    calls = [names for names, _ in plugin.graphs if 'IterationOp' in names]
    assert len(calls) == 1


def test_one_step_a_call_asks_nothing_of_the_plugin(plugin):
    loop = NPU.own.step_loop('op', RuntimeConfig(device='npu'), [])
    assert isinstance(loop, SingleSteps) and loop.operation == 'op'
    assert plugin.names() == []


def test_a_cpu_says_that_it_makes_no_loops(capsys):
    loop = CPU.own.step_loop('op', sunk(100), [50])
    assert loop.until(0, 1000) == 1
    assert '--iterations_per_loop=100 has no effect' in capsys.readouterr().out


@pytest.mark.parametrize('step,intervals,steps', [
    (0, (), 50), (0, (20,), 20), (19, (20, 30), 1), (95, (), 5), (95, (3,), 1), (60, (0,), 40)])
def test_a_call_ends_where_something_is_due(plugin, step, intervals, steps):
    with tf.Graph().as_default():
        assert NPU.own.step_loop(tf.no_op(), sunk(50), intervals).until(step, 100) == steps


@pytest.mark.parametrize('scale,overflows', [(1.25, 2), (32768., 94), (2. ** 20, 126)])
def test_a_scale_falls_to_1_by_a_fifth_at_every_second_overflow(plugin, scale, overflows):
    """2 log(scale) / log(1.25), the logarithms rounded up."""
    from npu_bridge.estimator.npu.npu_loss_scale_manager import ExponentialUpdateLossScaleManager
    with tf.Graph().as_default(), tf.Session() as session:
        manager = ExponentialUpdateLossScaleManager(scale, 2000)
        overflow = manager.update_loss_scale(tf.constant(False))
        session.run(tf.global_variables_initializer())
        counted = 0
        while session.run(manager.get_loss_scale()) > 1.:
            session.run(overflow)
            counted += 1
    assert counted == overflows


def test_the_scale_that_a_call_tells_of_is_the_one_after_it(plugin):
    """8 overflows are four cuts; the second overflow of a pair makes the cut."""
    scales = [call.scale for call in make_steps(NPU, RuntimeConfig(device='npu'), 2,
                                                bad=range(2, 10)).calls]
    cuts = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    np.testing.assert_allclose(scales, [32768. * 0.8 ** cut for cut in cuts], rtol=1e-5)


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
