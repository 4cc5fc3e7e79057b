"""Golden numbers: the published augmentation with fixed draws (golden/geonet/utils_tf, *_aug_*)."""
import numpy as np
import pytest

from kitti_data.pipeline import augmentation
from kitti_data.pipeline.augmentation import AugmentConfig, Draws
from vo_common.opencv import cv2


@pytest.fixture(scope='module')
def published(golden):
    return np.load(str(golden / 'geonet' / 'utils_tf.npz'))


def the_same_draws(count, height, width, num_frames, scale=(1.0, 1.0), offset=(0, 0),
                   recolour=False, gamma=1.0, brightness=1.0, colours=None, flip=False):
    """<Draws> of `count` examples that are all changed alike; pairs are y and x."""
    def of_all(values):
        return np.stack([np.asarray(values)] * count)

    scale = of_all(np.float64(scale))
    colours = np.ones(3 * num_frames) if colours is None else colours
    return Draws(scale, augmentation.scaled_size(height, width, scale), of_all(offset),
                 of_all(recolour), of_all(gamma), of_all(brightness), of_all(colours), of_all(flip),
                 of_all(False), np.zeros(count), np.zeros([count, 2]))


def golden_draws(published, recolour):
    """The thirteen golden draws by name; their images are stacks of two frames of 32x52."""
    draws = published['in_aug_draws']
    return dict(count=2, height=32, width=52, num_frames=2, scale=draws[[1, 0]],
                offset=draws[[2, 3]].astype(int), recolour=recolour, gamma=draws[5],
                brightness=draws[6], colours=draws[7:])


def changed(draws, images, intrinsics=None):
    """What `augmentation.apply` makes of images uint8 [B, H, W, 3F] and intrinsics [B, 3, 3]."""
    before, out = images.copy(), np.empty_like(images)
    if intrinsics is None:
        intrinsics = np.stack([np.eye(3, dtype=np.float32)] * len(images))
    intrinsics = augmentation.apply(draws, list(images), intrinsics, out)
    np.testing.assert_array_equal(images, before)
    return out, intrinsics


def noise(*shape):
    return np.random.RandomState(0).randint(0, 256, shape).astype(np.uint8)


def exact_area_average(frame, size):
    """float64 enlargement of [H, W, C] by area averaging, as a product of overlap matrices."""
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
    draws = the_same_draws(**golden_draws(published, recolour=False))
    images = published['in_aug_image']
    found, intrinsics = changed(draws, images, published['in_aug_intrinsics'])
    np.testing.assert_allclose(intrinsics, published['out_aug_plain_intrinsics'], rtol=1e-5)
    for image, ours, wanted in zip(images, found, published['out_aug_plain_image']):
        exact = exact_area_average(image, draws.size[0])[1:33, 4:56]
        whole = np.abs(exact - np.rint(exact)) < 1e-3
        np.testing.assert_array_equal(ours[~whole], wanted[~whole])
        assert np.abs(ours.astype(int) - wanted).max() <= 1 and whole.mean() < 0.1


def test_colours_equal_the_published_ones_bit_for_bit(published):
    draws = the_same_draws(**dict(golden_draws(published, recolour=True), scale=(1, 1),
                                  offset=(0, 0)))
    found, _ = changed(draws, published['out_aug_plain_image'])
    np.testing.assert_array_equal(found, published['out_aug_colour_image'])


def test_the_whole_augmentation_follows_the_published_one(published):
    found, _ = changed(the_same_draws(**golden_draws(published, recolour=True)),
                       published['in_aug_image'])
    difference = np.abs(found.astype(int) - published['out_aug_colour_image'])
    assert np.quantile(difference, 0.98) == 0 and difference.max() <= 3


@pytest.mark.parametrize('scale', [(1.0, 1.0), (1.15, 1.15), (1.004, 1.12), (1.07, 1.0)])
def test_only_what_lies_outside_of_the_crop_is_left_out(scale):
    """The crop of the part that is enlarged is that of the whole image, wherever it lies."""
    images = noise(1, 37, 61, 9)
    height, width = augmentation.scaled_size(37, 61, np.float64([scale]))[0]
    whole = cv2.resize(images[0].astype(np.float32), (width, height),
                       interpolation=cv2.INTER_AREA)
    for y in range(height - 37 + 1):
        for x in range(width - 61 + 1):
            (found,), _ = changed(the_same_draws(1, 37, 61, 3, scale, (y, x)), images)
            np.testing.assert_array_equal(found, whole[y:y + 37, x:x + 61].astype(np.uint8))


def test_an_example_is_changed_alike_whatever_is_in_its_batch():
    images = noise(8, 32, 64, 9)
    intrinsics = np.random.RandomState(1).rand(8, 3, 3).astype(np.float32)
    config = AugmentConfig(augment_flip=True)

    def batch(places):
        return changed(augmentation.draw(config, 5, np.array(places), 32, 64, 3), images[places],
                       intrinsics[places])

    together = batch(list(range(8)))
    apart = [batch([place]) for place in range(8)]
    for ours, wanted in zip(together, zip(*apart)):
        np.testing.assert_array_equal(ours, np.concatenate(wanted))


def test_switched_off_it_changes_nothing():
    images = noise(20, 16, 24, 6)
    config = AugmentConfig(False, False, False, False)
    draws = augmentation.draw(config, 1, np.arange(20), 16, 24, 2)
    found, intrinsics = changed(draws, images)
    np.testing.assert_array_equal(found, images)
    np.testing.assert_array_equal(intrinsics, np.stack([np.eye(3)] * 20))


def assert_same_draws(one, other):
    for name, mine, others in zip(one._fields, one, other):
        np.testing.assert_array_equal(mine, others, err_msg=name)


def test_draws_depend_on_seed_and_position_alone():
    def draw(seed, *positions):
        return augmentation.draw(AugmentConfig(), seed, np.array(positions), 128, 416, 3)

    both = draw(8964, 17, 18)
    assert_same_draws(draw(8964, 17), [part[:1] for part in both])
    assert_same_draws(draw(8964, 18), [part[1:] for part in both])
    for scale in (both.scale[1], draw(8965, 17).scale[0]):
        assert not np.any(scale == both.scale[0])


def test_draws_stay_in_their_ranges_and_fill_them():
    draws = augmentation.draw(AugmentConfig(), 0, np.arange(500), 128, 416, 3)
    room = draws.size - [128, 416]
    assert np.all(draws.offset >= 0) and np.all(draws.offset <= room)
    for bound in (0, room):
        assert np.all(np.any(draws.offset == bound, axis=0))
    assert draws.colours.shape == (500, 9)
    for values, low, high in [(draws.scale[:, 0], 1, 1.15), (draws.scale[:, 1], 1, 1.15),
                              (draws.gamma, 0.8, 1.2), (draws.brightness, 0.5, 2.0),
                              (draws.colours[:, 8], 0.8, 1.2)]:
        assert low <= values.min() < low + 0.05 * (high - low)
        assert high - 0.05 * (high - low) < values.max() <= high
    assert 0.4 < draws.recolour.mean() < 0.6
    assert not draws.flip.any()


@pytest.mark.parametrize('name', ['augment_scale', 'augment_gamma', 'augment_brightness',
                                  'augment_colour'])
def test_each_switch_removes_its_part_only(name):
    whole, part = (augmentation.draw(config, 3, np.arange(20), 128, 416, 3) for config in (
        AugmentConfig(), AugmentConfig(**{name: False})))
    different = {field for field, one, other in zip(whole._fields, whole, part)
                 if np.any(one != other)}
    assert different == {'augment_scale': {'scale', 'size', 'offset'}, 'augment_gamma': {'gamma'},
                         'augment_brightness': {'brightness'}, 'augment_colour': {'colours'}}[name]


def test_the_same_colour_for_all_frames_can_be_asked_for():
    colours = augmentation.draw(
        AugmentConfig(augment_same_colour=True), 3, np.arange(4), 128, 416, 3).colours
    np.testing.assert_array_equal(colours[:, :3], colours[:, 3:6])
    np.testing.assert_array_equal(colours[:, :3], colours[:, 6:])
    assert len(np.unique(colours)) == 12


def test_half_of_the_examples_are_mirrored_where_that_is_asked_for():
    plain, flipping = (augmentation.draw(AugmentConfig(augment_flip=flip), 3, np.arange(400), 32,
                                         64, 3) for flip in (False, True))
    assert_same_draws(flipping._replace(flip=plain.flip), plain)
    assert 0.4 < flipping.flip.mean() < 0.6


def test_mirroring_follows_the_scaling_in_all_frames():
    images = noise(2, 32, 64, 9)
    camera = np.stack([np.float32([[50, 0, 30], [0, 55, 17], [0, 0, 1]])] * 2)
    draws = the_same_draws(2, 32, 64, 3, scale=(1.0625, 1.125), offset=(1, 7))
    plain, plain_intrinsics = changed(draws, images, camera)
    flipped, intrinsics = changed(draws._replace(flip=np.array([False, True])), images, camera)
    np.testing.assert_array_equal(flipped[0], plain[0])
    np.testing.assert_array_equal(flipped[1], plain[1][:, ::-1])
    np.testing.assert_array_equal(intrinsics[0], plain_intrinsics[0])
    # What was seen at pixel x is seen at 63 - x, by a camera that looks at the mirrored world.
    point = np.array([0.3, -0.2, 1.0])
    before, after = plain_intrinsics[1] @ point, intrinsics[1] @ (point * [-1, 1, 1])
    np.testing.assert_allclose(after, [63 - before[0], before[1], 1], rtol=1e-5)


def test_intrinsics_follow_the_edges_of_images_with_half_pixel_centers():
    # Cameras whose principal points are the upper left and lower right edges of an image; 1.07
    # times 32 rows are 34 rows, a little less.
    draws = the_same_draws(2, 32, 52, 1, scale=(1.07, 1.1), offset=(2, 3))
    cameras = np.float32([[[50, 0, x], [0, 50, y], [0, 0, 1]]
                          for x, y in ((-0.5, -0.5), (51.5, 31.5))])
    after = augmentation.apply(draws, list(noise(2, 32, 52, 3)), cameras,
                               np.empty((2, 32, 52, 3), np.uint8), half_pixel_centers=True)
    np.testing.assert_allclose(after[:, :2, 2], [[-0.5 - 3, -0.5 - 2], [57 - 3.5, 34 - 2.5]],
                               atol=1e-5)
    np.testing.assert_allclose(after[:, 1, 1], 50 * 34 / 32, rtol=1e-6)


def test_intrinsics_follow_the_pixels():
    """A point that was seen at some pixel is seen there after scaling and cropping."""
    images = np.zeros((1, 64, 96, 3), np.uint8)
    images[:, 20:28, 60:68] = 255
    camera = np.float32([[50, 0, 48], [0, 55, 32], [0, 0, 1]])
    (found,), (after,) = changed(
        the_same_draws(1, 64, 96, 1, scale=(1.0625, 1.125), offset=(3, 7)), images, camera[None])
    rows, columns = np.nonzero(found[..., 0] > 127)
    point = after @ np.linalg.inv(camera) @ [64, 24, 1]
    np.testing.assert_allclose([columns.mean() + 0.5, rows.mean() + 0.5], point[:2], atol=0.6)
