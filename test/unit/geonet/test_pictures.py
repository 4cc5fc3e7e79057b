"""Videos of predictions are written completely or not at all."""
import os
import resource

import numpy as np
import pytest

from geonet.pictures import PictureWriter
from vo_common.errors import UserError


def write_video(folder):
    random = np.random.RandomState(0)
    with PictureWriter(str(folder), 'drive', False, True, 10.0) as pictures:
        for number in range(30):
            pictures.write(number, random.randint(0, 256, (64, 416, 3)).astype(np.uint8))


@pytest.mark.parametrize('share', [0.3, 0.99])
def test_no_video_is_left_if_the_disk_is_full(tmp_path, share):
    (tmp_path / 'whole').mkdir()
    write_video(tmp_path / 'whole')
    size = os.path.getsize(str(tmp_path / 'whole' / 'drive.mp4'))
    (tmp_path / 'short').mkdir()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(share * size), limits[1]))
    try:
        with pytest.raises(UserError, match='cannot write video .*drive.mp4'):
            write_video(tmp_path / 'short')
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not os.listdir(str(tmp_path / 'short'))


def test_pictures_of_an_earlier_longer_run_are_removed(tmp_path):
    folder = tmp_path / 'drive'
    for numbers in (range(5, 9), range(6, 8)):
        with PictureWriter(str(tmp_path), 'drive', True, False, 10.0) as pictures:
            for number in numbers:
                pictures.write(number, np.zeros((4, 6, 3), np.uint8))
        (folder / 'notes.png').touch()
    assert sorted(os.listdir(str(folder))) == ['000006.png', '000007.png', 'notes.png']
