"""Loop sinking."""
import tensorflow.compat.v1 as tf

from npu_bridge import record


def set_iteration_per_loop(sess, train_op, iterations_per_loop=1):
    """An operation that makes several steps a call on the device; one step a call here."""
    record.add('set_iteration_per_loop', iterations_per_loop=iterations_per_loop)
    if not isinstance(train_op, tf.Operation):
        raise ValueError("The incoming 'train_op' type is '%s', and the need type is 'Operation'"
                         % train_op.dtype.name)
    with sess.graph.as_default():
        loop = tf.get_variable('npu_runconfig/iterations_per_loop', [], tf.int64,
                               tf.zeros_initializer(), trainable=False,
                               collections=[tf.GraphKeys.LOCAL_VARIABLES], use_resource=True)
        sess.run(loop.initializer)
        loop.load(iterations_per_loop, sess)
        return tf.group(train_op, name='IterationOp')
