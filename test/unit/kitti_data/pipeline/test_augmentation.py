"""Golden numbers: the published augmentation with fixed draws (golden/geonet/utils_tf, *_aug_*)."""
import numpy as np
import pytest

from kitti_data.pipeline import augmentation
from kitti_data.pipeline.augmentation import PUBLISHED, AugmentConfig, Draw
from npu_runtime.run_folder import changes_since
from vo_common.files import write_json
from vo_common.opencv import cv2

EYE = np.eye(3, dtype=np.float32)


def drawn(height, width, num_frames, scale=(1.0, 1.0), offset=(0, 0), recolour=False, gamma=1.0,
          brightness=1.0, colours=None, flip=False):
    """A <Draw>; pairs are y and x."""
    scale = np.float64(scale)
    colours = np.ones(3 * num_frames) if colours is None else colours
    return Draw(scale, augmentation.scaled_size(height, width, scale), np.array(offset), recolour,
                gamma, brightness, colours, flip, False, 0.0, np.zeros(2))


def golden_draw(numbers, recolour):
    """The arguments of `drawn` for the thirteen golden draws; stacks are two frames of 32x52."""
    draws = numbers['in_aug_draws']
    return dict(height=32, width=52, num_frames=2, scale=draws[[1, 0]],
                offset=draws[[2, 3]].astype(int), recolour=recolour, gamma=draws[5],
                brightness=draws[6], colours=draws[7:])


def changed(draw, image, intrinsics=EYE, **kwargs):
    """`augmentation.apply` to uint8 [H, W, 3F] and [3, 3]: (image, intrinsics)."""
    before = image.copy()
    found = augmentation.apply(draw, image, intrinsics, **kwargs)
    np.testing.assert_array_equal(image, before)
    return found


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


def test_scaling_and_cropping_equal_the_published_ones(numbers):
    """The published float32 area kernel is off by up to 1e-3 and its result truncated, so values
    that are whole numbers may fall by one; nothing else may differ."""
    draw = drawn(**golden_draw(numbers, recolour=False))
    for image, camera, wanted, wanted_camera in zip(*(numbers[name] for name in (
            'in_aug_image', 'in_aug_intrinsics', 'out_aug_plain_image',
            'out_aug_plain_intrinsics'))):
        ours, intrinsics = changed(draw, image, camera)
        np.testing.assert_allclose(intrinsics, wanted_camera, rtol=1e-5)
        exact = exact_area_average(image, draw.size)[1:33, 4:56]
        whole = np.abs(exact - np.rint(exact)) < 1e-3
        np.testing.assert_array_equal(ours[~whole], wanted[~whole])
        assert np.abs(ours.astype(int) - wanted).max() <= 1 and whole.mean() < 0.1


def test_colours_equal_the_published_ones_bit_for_bit(numbers):
    draw = drawn(**dict(golden_draw(numbers, recolour=True), scale=(1, 1), offset=(0, 0)))
    for image, wanted in zip(numbers['out_aug_plain_image'], numbers['out_aug_colour_image']):
        np.testing.assert_array_equal(changed(draw, image)[0], wanted)


def test_the_whole_augmentation_follows_the_published_one(numbers):
    draw = drawn(**golden_draw(numbers, recolour=True))
    found = np.stack([changed(draw, image)[0] for image in numbers['in_aug_image']])
    difference = np.abs(found.astype(int) - numbers['out_aug_colour_image'])
    assert np.quantile(difference, 0.98) == 0 and difference.max() <= 3


@pytest.mark.parametrize('scale', [(1.0, 1.0), (1.15, 1.15), (1.004, 1.12), (1.07, 1.0)])
def test_scaling_only_the_crop_equals_cropping_the_scaled_image(scale):
    """Scaling only the part under the crop gives the crop of the scaled image, at every offset."""
    image = noise(37, 61, 9)
    height, width = augmentation.scaled_size(37, 61, np.float64(scale))
    whole = cv2.resize(image.astype(np.float32), (int(width), int(height)),
                       interpolation=cv2.INTER_AREA)
    for y in range(height - 37 + 1):
        for x in range(width - 61 + 1):
            found, _ = changed(drawn(37, 61, 3, scale, (y, x)), image)
            np.testing.assert_array_equal(found, whole[y:y + 37, x:x + 61].astype(np.uint8))


def draws(config, count, seed=3, height=32, width=64):
    """<Draw> whose fields are arrays [count, ...], those of the first positions of a run."""
    return Draw(*map(np.stack, zip(*(
        augmentation.draw(config, seed, position, height, width, 3) for position in range(count)))))


def different(one, other):
    """Names of the fields that differ."""
    return {name for name in one._fields if np.any(getattr(one, name) != getattr(other, name))}


def test_draws_depend_only_on_seed_and_position():
    first, again = draws(AugmentConfig(), 2), draws(AugmentConfig(), 2)
    assert not different(first, again)
    for scale in (first.scale[1], draws(AugmentConfig(), 1, seed=4).scale[0]):
        assert not np.any(scale == first.scale[0])


def test_draws_cover_their_ranges_and_stay_within():
    found = draws(AugmentConfig(), 500, 0, 128, 416)
    room = found.size - [128, 416]
    assert np.all(found.offset >= 0) and np.all(found.offset <= room)
    for bound in (0, room):
        assert np.all(np.any(found.offset == bound, axis=0))
    assert found.colours.shape == (500, 9)
    for values, low, high in [(found.scale[:, 0], 1, 1.15), (found.scale[:, 1], 1, 1.15),
                              (found.gamma, 0.8, 1.2), (found.brightness, 0.5, 2.0),
                              (found.colours[:, 8], 0.8, 1.2)]:
        assert low <= values.min() < low + 0.05 * (high - low)
        assert high - 0.05 * (high - low) < values.max() <= high
    assert 0.4 < found.recolour.mean() < 0.6
    assert not found.flip.any()
    assert 0.4 < draws(AugmentConfig(augment=['flip']), 400).flip.mean() < 0.6


@pytest.mark.parametrize('name, fields', [
    ('scale', {'scale', 'size', 'offset'}), ('gamma', {'gamma'}), ('brightness', {'brightness'}),
    ('colour', {'colours'}), ('flip', {'flip'}), ('turn', {'turn'}), ('mount', {'mount'}),
    ('pivot', {'pivot', 'turn'})])
def test_each_change_affects_its_own_numbers_only(name, fields):
    if name in PUBLISHED:
        other = AugmentConfig(augment=[part for part in PUBLISHED if part != name])
    elif name == 'flip':
        other = AugmentConfig(augment=list(PUBLISHED) + ['flip'])
    else:
        other = AugmentConfig(**{'augment_' + name: 0.1})
    assert different(draws(AugmentConfig(), 40), draws(other, 40)) == fields


def test_a_run_saved_with_older_flags_resumes(tmp_path):
    write_json(str(tmp_path / 'config.json'), {'augment': {
        'augment_scale': True, 'augment_colour': False, 'augment_same_colour': True,
        'augment_flip': True, 'augment_turn': 0.03}})
    assert changes_since(str(tmp_path), {'augment': AugmentConfig()}) == {
        'augment.augment_turn': [0.03, 0.0]}


def test_mirroring_follows_the_scaling_in_all_frames():
    image, camera = noise(32, 64, 9), np.float32([[50, 0, 30], [0, 55, 17], [0, 0, 1]])
    draw = drawn(32, 64, 3, scale=(1.0625, 1.125), offset=(1, 7))
    plain, plain_intrinsics = changed(draw, image, camera)
    flipped, intrinsics = changed(draw._replace(flip=True), image, camera)
    np.testing.assert_array_equal(flipped, plain[:, ::-1])
    # What was seen at pixel x is seen at 63 - x, by a camera that looks at the mirrored world.
    point = np.array([0.3, -0.2, 1.0])
    before, after = plain_intrinsics @ point, intrinsics @ (point * [-1, 1, 1])
    np.testing.assert_allclose(after, [63 - before[0], before[1], 1], rtol=1e-5)


def test_intrinsics_follow_the_edges_of_images_with_half_pixel_centers():
    # Cameras whose principal points are the upper left and lower right edges of an image; 1.07
    # times 32 rows are 34 rows, a little less.
    draw = drawn(32, 52, 1, scale=(1.07, 1.1), offset=(2, 3))
    for x, y, wanted in ((-0.5, -0.5, [-0.5 - 3, -0.5 - 2]), (51.5, 31.5, [57 - 3.5, 34 - 2.5])):
        camera = np.float32([[50, 0, x], [0, 50, y], [0, 0, 1]])
        _, after = changed(draw, noise(32, 52, 3), camera, half_pixel_centers=True)
        np.testing.assert_allclose(after[:2, 2], wanted, atol=1e-5)
        np.testing.assert_allclose(after[1, 1], 50 * 34 / 32, rtol=1e-6)
