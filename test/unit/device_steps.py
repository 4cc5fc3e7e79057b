"""Training steps of a few numbers, made as the training loop makes them, for the tests of devices."""
import collections

import tensorflow.compat.v1 as tf

from npu_runtime.devices import precision
from npu_runtime.devices.ranks import SingleProcess
from npu_runtime.devices.skipped_steps import (
    SkippedSteps, progress_after, steps_in_next_call)
from npu_runtime.session import session_config

Call = collections.namedtuple('Call', 'asked step batches_seen scale')
Run = collections.namedtuple('Run', 'calls skipped weights')


def batches(bad=(), after=0):
    """The data: 1, 2, 3, 0.5 in turn, and 0 at the batches `bad`, counted from 1.

    A batch of 0 has an infinite gradient and a finite loss.
    """
    good = tf.constant([1., 2., 3., 0.5])
    return tf.data.Dataset.range(after + 1, 10 ** 6).map(lambda number: tf.where(
        tf.reduce_any(tf.equal(number, list(bad) or [-1])), 0., good[number % 4])).prefetch(1)


def make_steps(device, config, max_steps, bad=(), intervals=(), ranks=None):
    """Trains to `max_steps` and returns a <Run>: what each session call did."""
    ranks = ranks or SingleProcess()
    with tf.Graph().as_default():
        global_step = tf.train.get_or_create_global_step()
        seen = tf.get_variable('batches_seen', [], tf.int64, tf.zeros_initializer(),
                               trainable=False)
        iterator = tf.data.make_initializable_iterator(batches(bad))
        weights = tf.get_variable('weights', [2], initializer=tf.ones_initializer())
        loss = tf.reduce_sum(tf.sqrt(tf.abs(weights * iterator.get_next())))
        optimizer, scaling = precision.wrap_optimizer(
            ranks.wrap(tf.train.GradientDescentOptimizer(0.01)), device, config, ranks.size > 1)
        update = optimizer.apply_gradients(optimizer.compute_gradients(loss), global_step)
        train_op = tf.group(update, tf.assign_add(seen, 1).op, name='train_op')
        fetches = {'progress': progress_after(train_op, global_step, seen),
                   'values': ranks.average(tf.stack([loss, scaling.scale]))}
        loop = device.own.step_loop(train_op, config)
        with tf.Session(config=session_config(device, config, ranks)) as session:
            session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
            session.run(iterator.initializer)
            tf.get_default_graph().finalize()
            return _make(session, loop, fetches, weights,
                         SkippedSteps(device, scaling.kind, 0, 0), max_steps, intervals)


def _make(session, loop, fetches, weights, skipped, max_steps, intervals):
    step, calls = 0, []
    while step < max_steps:
        asked = steps_in_next_call(step, max_steps, loop, intervals)
        loop.set_steps(session, asked)
        results = session.run(dict(fetches, train=loop.train_op))
        step, batches_seen = results['progress'].tolist()
        calls.append(Call(asked, step, batches_seen, float(results['values'][1])))
        skipped.update(step, batches_seen, calls[-1].scale)
    return Run(calls, skipped.total, session.run(weights).tolist())
