"""Loops of training steps, and the number of ranks."""
import os

import tensorflow.compat.v1 as tf

from npu_bridge import device, record


def get_ranksize():
    """The number of ranks, as text."""
    return os.environ.get('RANK_SIZE', '1')


class IterationPerLoop:
    """A loop whose length may change between session calls."""

    def __init__(self):
        self._inner_steps = None

    def create_iteration_per_loop_var(self, train_op):
        """An operation that makes several steps a call."""
        assert isinstance(train_op, tf.Operation), 'the plugin refuses a tensor'
        record.add('create_iteration_per_loop_var', train_op=train_op)
        with tf.variable_scope('npu_runconfig'):
            self._inner_steps = tf.get_variable(
                'iterations_per_loop', [], tf.int64, tf.zeros_initializer(), trainable=False,
                collections=[tf.GraphKeys.LOCAL_VARIABLES], use_resource=True)
        loop = tf.group(train_op, name='IterationOp')
        device.add_loop(loop, train_op, self._inner_steps)
        return loop

    def load_iteration_per_loop_var(self, sess, iterations_per_loop=1):
        """Sets how many steps a call makes."""
        assert isinstance(iterations_per_loop, int) and iterations_per_loop >= 1
        record.add('load_iteration_per_loop_var', iterations_per_loop=iterations_per_loop)
        self._inner_steps.load(iterations_per_loop - 1, sess)
