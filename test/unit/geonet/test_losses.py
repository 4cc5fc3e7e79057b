"""Photometric, smoothness and consistency terms, against the published functions."""
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from geonet import geometry, losses
from published_helpers import assert_close, run


def test_photometric_error_and_its_gradient_equal_the_published_ones(numbers):
    def errors_and_gradient(x, y):
        error = losses.photometric_error(x, y)
        return (error, losses.photometric_error(x, y, ssim_weight=1.0),
                tf.gradients(tf.reduce_mean(error), x)[0])

    error, structural, gradient = run(errors_and_gradient, numbers['in_ls_x'], numbers['in_ls_y'])
    assert_close(error, numbers['out_image_similarity'])
    assert_close(structural, numbers['out_SSIM'])
    assert_close(gradient, numbers['out_image_similarity_grad_x'])


@pytest.mark.parametrize('name,field,channels', [('smooth_loss', 'disp', 1),
                                                 ('flow_smooth_loss', 'flow', 2)])
def test_smoothness_and_its_gradient_equal_the_published_ones(numbers, name, field, channels):
    def value_and_gradient(field, images):
        value = losses.smoothness(field, images)
        return value, tf.gradients(value, field)[0]

    value, gradient = run(value_and_gradient, numbers['in_ls_' + field], numbers['in_ls_x'])
    assert gradient.shape[-1] == channels
    assert_close(value, numbers['out_' + name])
    assert_close(gradient, numbers['out_%s_grad_%s' % (name, field)])


def test_norms_equal_the_published_ones(numbers):
    assert_close(run(losses.channel_norm, numbers['in_ls_flow']), numbers['out_L2_norm'])


@pytest.mark.parametrize('scale', [0, 1])
def test_non_occluded_mask_equals_the_published_masks(numbers, scale):
    def masks(forward, backward):
        result = []
        for flow, opposite in ((forward, backward), (backward, forward)):
            difference = losses.inconsistency(flow, geometry.flow_warp(opposite, flow))
            result += [difference,
                       losses.non_occluded_mask(flow, difference, 2.0 ** scale, 3.0, 0.05)]
        return result

    difference, in_target, _, in_source = run(masks, numbers['in_fc_fwd'], numbers['in_fc_bwd'])
    assert_close(difference, numbers['out_fwd_flow_diff_%d' % scale])
    np.testing.assert_array_equal(in_target, numbers['out_noc_mask_tgt_%d' % scale])
    np.testing.assert_array_equal(in_source, numbers['out_noc_mask_src_%d' % scale])


def test_masked_means_average_the_visible_pixels_of_each_scale_and_direction():
    rng = np.random.RandomState(1)
    values = rng.standard_normal((4, 6 + 2, 3)).astype(np.float32)
    mask = (rng.uniform(size=(4, 8, 1)) < 0.5).astype(np.float32)
    found = run(lambda *tensors: losses.masked_means(*tensors, sizes=[(2, 3), (1, 2)]),
                values, mask)
    for scale, pixels in enumerate((slice(0, 6), slice(6, 8))):
        for half, rows in enumerate((slice(0, 2), slice(2, 4))):
            weights = mask[rows, pixels, 0]
            wanted = (values[rows, pixels].mean(axis=-1) * weights).sum() / weights.sum()
            np.testing.assert_allclose(found[scale, half], wanted, rtol=1e-5)


def test_the_loss_is_zero_if_nothing_is_visible():
    values = np.ones((2, 6, 2), np.float32)
    mask = np.zeros((2, 6, 1), np.float32)
    mean, gradient = run(lambda values, mask: (
        losses.masked_means(values, mask, [(2, 3)]),
        tf.gradients(losses.masked_means(values, mask, [(2, 3)]), values)[0]), values, mask)
    np.testing.assert_array_equal(mean, [[0, 0]])
    np.testing.assert_array_equal(gradient, 0 * values)


def test_the_photometric_error_of_an_image_with_itself_is_zero(numbers):
    found = run(losses.photometric_error, numbers['in_ls_x'], numbers['in_ls_x'])
    np.testing.assert_allclose(found, 0 * found, atol=1e-6)


def test_a_constant_field_is_smooth(numbers):
    found = run(losses.smoothness, np.ones((2, 14, 18, 1), np.float32), numbers['in_ls_x'])
    assert found == 0
