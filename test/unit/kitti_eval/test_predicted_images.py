"""Depth maps are matched with images by the names that test_depth writes beside them."""
import numpy as np
import pytest

from kitti_eval.predicted_images import depths_in_order
from vo_common.errors import UserError
from vo_common.files import write_json

IMAGES = ['2011_09_26/2011_09_26_drive_0002_sync/image_02/data/%010d.png' % frame
          for frame in range(4)]


def places(images, names, folder='', count=4):
    """Which of `count` depth maps, with `names` in a folder, each of the images gets."""
    write_json('pred.json', {'folder': folder, 'images': names})
    depths = np.arange(count).reshape(count, 1, 1)
    return [depth[0, 0] for depth in depths_in_order(images, depths, 'pred.npy')]


def test_depth_maps_are_matched_by_the_names_in_their_json():
    backwards = [name.replace('.png', '.jpg') for name in IMAGES[::-1]]
    assert places(IMAGES, backwards) == [3, 2, 1, 0]
    assert places(IMAGES[1:2], backwards) == [2]  # of a longer list, those that are scored


@pytest.mark.parametrize('frames, folder, message', [
    ((0, 1, 7, 3), '', r'image 3 of the split is .*_0002_sync/2/0000000002, where .*pred.json '
                       r'names 0000000007 '),
    ((0, 1, 2, 3), '2011_09_26/2011_09_26_drive_0003_sync/image_02/data',
     'image 1 .*names .*_0003_sync/2/0000000000'),
    ((0, 1, 2), '', 'names 3 images, but .* holds 4 depth maps')])
def test_other_images_are_refused_at_the_first_that_differs(frames, folder, message):
    with pytest.raises(UserError, match=message):
        places(IMAGES, ['%010d.png' % frame for frame in frames], folder)


@pytest.mark.parametrize('folder, fits', [
    ('/k15/training/image_2', True), ('/k15/training/image_3', False),
    ('/k15/testing/image_2', False), ('/k12/training/colored_0', False), ('/mine', True)])
def test_depth_of_another_camera_or_part_of_a_benchmark_is_refused(folder, fits):
    image = '/k15/training/image_2/000000_10.png', ['000000_10.png']
    if fits:
        assert places(image[:1], image[1], folder, 1) == [0]
    else:
        with pytest.raises(UserError, match='image 1 of the split is training/image_2/000000_10'):
            places(image[:1], image[1], folder, 1)
