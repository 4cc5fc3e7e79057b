"""The counted operations are those of the formulas."""
import tensorflow.compat.v1 as tf

from benchmarks.flops import flops


def test_a_convolution_and_both_gradients_take_the_same_number():
    with tf.Graph().as_default():
        images, kernel = tf.zeros([2, 8, 10, 3]), tf.Variable(tf.zeros([5, 5, 3, 7]))
        output = tf.nn.conv2d(images, kernel, [1, 2, 2, 1], 'SAME')
        forward = 2 * (2 * 4 * 5 * 7) * (5 * 5 * 3)
        assert flops([output.op]) == forward
        of_kernel, of_images = tf.gradients(output, [kernel, images])
        assert flops([of_kernel.op]) == flops([of_images.op]) == forward
        assert flops([output.op, of_kernel.op, of_images.op]) == 3 * forward


def test_a_matrix_product_counts_its_inner_size_and_only_if_a_target_needs_it():
    with tf.Graph().as_default():
        tf.matmul(tf.zeros([3, 5]), tf.zeros([5, 4]))
        assert flops([tf.matmul(tf.zeros([3, 5]), tf.zeros([5, 4])).op]) == 2 * 3 * 5 * 4
        turned = tf.matmul(tf.zeros([6, 5, 3]), tf.zeros([6, 5, 4]), transpose_a=True)
        assert flops([turned.op]) == 2 * 6 * 3 * 5 * 4
