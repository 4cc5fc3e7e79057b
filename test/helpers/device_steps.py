"""Training steps of a few numbers, made as the training loop makes them."""
import collections

import tensorflow.compat.v1 as tf

from npu_runtime.devices import precision
from npu_runtime.devices.ranks import SingleProcess
from npu_runtime.session import session_config

Call = collections.namedtuple('Call', 'asked step scale')
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
        iterator = tf.data.make_initializable_iterator(batches(bad))
        weights = tf.get_variable('weights', [2], initializer=tf.ones_initializer())
        loss = tf.reduce_sum(tf.sqrt(tf.abs(weights * iterator.get_next())))
        optimizer, scaling = precision.wrap_optimizer(
            ranks.wrap(tf.train.GradientDescentOptimizer(0.01)), device, config, ranks.size > 1)
        train_op = tf.group(optimizer.apply_gradients(optimizer.compute_gradients(loss),
                                                      global_step), name='train_op')
        with tf.control_dependencies([train_op]):
            fetches = {'step': tf.identity(global_step.read_value())}
        fetches['values'] = ranks.average(
            tf.stack([loss, precision.scale_after(scaling, train_op)]))
        loop = device.own.step_loop(train_op, config, intervals)
        with tf.Session(config=session_config(device, config, ranks)) as session:
            session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
            session.run(iterator.initializer)
            tf.get_default_graph().finalize()
            return _make(session, loop, fetches, weights, max_steps)


def _make(session, loop, fetches, weights, max_steps):
    step, skipped, calls = 0, 0, []
    while step < max_steps:
        asked = loop.until(step, max_steps)
        loop.set_steps(session, asked)
        results = session.run(dict(fetches, train=loop.operation))
        skipped += asked - (int(results['step']) - step)
        step = int(results['step'])
        calls.append(Call(asked, step, float(results['values'][1])))
    return Run(calls, skipped, session.run(weights).tolist())
