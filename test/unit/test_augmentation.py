"""Golden numbers: the published augmentation with fixed draws (golden/geonet/utils_tf, *_aug_*)."""
import numpy as np
import pytest

from kitti_data import augmentation
from kitti_data.augmentation import AugmentConfig, Draws


@pytest.fixture(scope='module')
def published(golden):
    return np.load(str(golden / 'geonet' / 'utils_tf.npz'))


def golden_draws(published, recolour):
    """The thirteen golden draws by name; their stack of six channels is two frames."""
    scale_x, scale_y, offset_y, offset_x, _, gamma, brightness = published['in_aug_draws'][:7]
    return Draws(scale_x, scale_y, int(offset_x), int(offset_y), recolour, gamma, brightness,
                 published['in_aug_draws'][7:])


def split(stack):
    return [np.ascontiguousarray(stack[..., :3]), np.ascontiguousarray(stack[..., 3:])]


def exact_area_average(frame, size):
    """float64 enlargement of [H, W, 3] by area averaging, as a product of overlap matrices."""
    def overlaps(before, after):
        edges = np.arange(after + 1) * (before / after)
        low = np.maximum(edges[:-1, None], np.arange(before))
        high = np.minimum(edges[1:, None], np.arange(before) + 1)
        return np.maximum(high - low, 0) * after / before
    height, width = frame.shape[:2]
    return np.einsum('yh,hwc,xw->yxc', overlaps(height, size[0]), frame.astype(np.float64),
                     overlaps(width, size[1]))


def test_scaling_and_cropping_equal_the_published_ones(published):
    """The published float32 area kernel is off by up to 1e-3 and its result truncated, so values
    that are whole numbers may fall by one; nothing else may differ."""
    draws = golden_draws(published, recolour=False)
    for image, intrinsics, wanted, wanted_intrinsics in zip(
            published['in_aug_image'], published['in_aug_intrinsics'],
            published['out_aug_plain_image'], published['out_aug_plain_intrinsics']):
        frames, changed = augmentation.apply(draws, split(image), intrinsics)
        np.testing.assert_allclose(changed, wanted_intrinsics, rtol=1e-5)
        for frame, before, truth in zip(frames, split(image), split(wanted)):
            exact = exact_area_average(before, augmentation.scaled_size(
                32, 52, draws.scale_x, draws.scale_y))[1:33, 4:56]
            whole = np.abs(exact - np.rint(exact)) < 1e-3
            np.testing.assert_array_equal(frame[~whole], truth[~whole])
            assert np.abs(frame.astype(int) - truth).max() <= 1 and whole.mean() < 0.1


def test_colours_equal_the_published_ones_bit_for_bit(published):
    draws = golden_draws(published, recolour=True)._replace(
        scale_x=1.0, scale_y=1.0, offset_x=0, offset_y=0)
    for plain, wanted in zip(published['out_aug_plain_image'], published['out_aug_colour_image']):
        frames, _ = augmentation.apply(draws, split(plain), np.eye(3))
        np.testing.assert_array_equal(augmentation.stack_channels(frames), wanted)


def test_the_whole_augmentation_follows_the_published_one(published):
    draws = golden_draws(published, recolour=True)
    frames, _ = augmentation.apply(draws, split(published['in_aug_image'][0]), np.eye(3))
    difference = np.abs(
        np.concatenate(frames, -1).astype(int) - published['out_aug_colour_image'][0])
    assert np.quantile(difference, 0.98) == 0 and difference.max() <= 3


def test_switched_off_it_changes_nothing():
    config = AugmentConfig(False, False, False, False)
    image = np.random.RandomState(0).randint(0, 256, (16, 24, 6)).astype(np.uint8)
    for position in range(20):
        draws = augmentation.draw(config, 1, position, 16, 24, 2)
        frames, intrinsics = augmentation.apply(draws, split(image), np.eye(3))
        np.testing.assert_array_equal(augmentation.stack_channels(frames), image)
        np.testing.assert_array_equal(intrinsics, np.eye(3))


def test_draws_depend_on_seed_and_position_alone():
    config = AugmentConfig()
    first = augmentation.draw(config, 8964, 17, 128, 416, 3)
    assert first == augmentation.draw(config, 8964, 17, 128, 416, 3)
    assert first != augmentation.draw(config, 8964, 18, 128, 416, 3)
    assert first != augmentation.draw(config, 8965, 17, 128, 416, 3)


def test_draws_stay_in_their_ranges_and_fill_them():
    draws = [augmentation.draw(AugmentConfig(), 0, position, 128, 416, 3)
             for position in range(500)]
    for one in draws:
        height, width = augmentation.scaled_size(128, 416, one.scale_x, one.scale_y)
        assert 0 <= one.offset_y <= height - 128 and 0 <= one.offset_x <= width - 416
        assert len(one.colours) == 9
    for values, low, high in [([one.scale_x for one in draws], 1, 1.15),
                              ([one.scale_y for one in draws], 1, 1.15),
                              ([one.gamma for one in draws], 0.8, 1.2),
                              ([one.brightness for one in draws], 0.5, 2.0),
                              ([one.colours[8] for one in draws], 0.8, 1.2)]:
        assert low <= min(values) < low + 0.05 * (high - low)
        assert high - 0.05 * (high - low) < max(values) <= high
    assert 0.4 < np.mean([one.recolour for one in draws]) < 0.6
    assert not any(one.flip for one in draws)


@pytest.mark.parametrize('name', ['augment_scale', 'augment_gamma', 'augment_brightness',
                                  'augment_colour'])
def test_each_switch_removes_its_part_only(name):
    whole = augmentation.draw(AugmentConfig(), 3, 5, 128, 416, 3)
    part = augmentation.draw(AugmentConfig(**{name: False}), 3, 5, 128, 416, 3)
    changed = [field for field in whole._fields if getattr(whole, field) != getattr(part, field)]
    assert set(changed) <= {'augment_scale': {'scale_x', 'scale_y', 'offset_x', 'offset_y'},
                            'augment_gamma': {'gamma'}, 'augment_brightness': {'brightness'},
                            'augment_colour': {'colours'}}[name] and changed


def test_the_same_colour_for_all_frames_can_be_asked_for():
    colours = augmentation.draw(
        AugmentConfig(augment_same_colour=True), 3, 5, 128, 416, 3).colours
    assert colours[:3] == colours[3:6] == colours[6:]


def test_half_of_the_examples_are_mirrored_where_that_is_asked_for():
    plain, flipping = ([augmentation.draw(AugmentConfig(augment_flip=flip), 3, position, 32, 64, 3)
                        for position in range(400)] for flip in (False, True))
    assert [draws._replace(flip=False) for draws in flipping] == plain
    assert 0.4 < np.mean([draws.flip for draws in flipping]) < 0.6


def test_mirroring_follows_the_scaling_in_all_frames():
    frames = [np.random.RandomState(i).randint(0, 256, (32, 64, 3)).astype(np.uint8)
              for i in range(3)]
    intrinsics = np.array([[50, 0, 30], [0, 55, 17], [0, 0, 1]], np.float32)
    draws = Draws(scale_x=1.125, scale_y=1.0625, offset_x=7, offset_y=1)
    plain, plain_intrinsics = augmentation.apply(draws, frames, intrinsics)
    flipped, flipped_intrinsics = augmentation.apply(
        draws._replace(flip=True), frames, intrinsics)
    np.testing.assert_array_equal(flipped, np.stack(plain)[:, :, ::-1])
    # What was seen at pixel x is seen at 63 - x, by a camera that looks at the mirrored world.
    point = np.array([0.3, -0.2, 1.0])
    before, after = plain_intrinsics @ point, flipped_intrinsics @ (point * [-1, 1, 1])
    np.testing.assert_allclose(after, [63 - before[0], before[1], 1], rtol=1e-5)


def test_intrinsics_follow_the_pixels():
    """A point that was seen at some pixel is seen there after scaling and cropping."""
    image = np.zeros((64, 96, 3), np.uint8)
    image[20:28, 60:68] = 255
    intrinsics = np.array([[50, 0, 48], [0, 55, 32], [0, 0, 1]], np.float32)
    draws = Draws(scale_x=1.125, scale_y=1.0625, offset_x=7, offset_y=3)
    frames, changed = augmentation.apply(draws, [image], intrinsics)
    rows, columns = np.nonzero(frames[0][..., 0] > 127)
    before = np.linalg.inv(intrinsics) @ [64, 24, 1]
    after = changed @ before
    np.testing.assert_allclose([columns.mean() + 0.5, rows.mean() + 0.5], after[:2], atol=0.6)
