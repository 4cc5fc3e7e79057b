"""Videos of predictions have the rate of their frames and are written completely or not at all."""
import os
import resource

import cv2
import numpy as np
import pytest

from geonet.pictures import PictureWriter
from vo_common.errors import UserError


def write_video(folder, rate, frames=30):
    random = np.random.RandomState(0)
    with PictureWriter(str(folder), 'drive', False, True, rate) as pictures:
        for number in range(frames):
            pictures.write(number, random.randint(0, 256, (64, 416, 3)).astype(np.uint8))


@pytest.mark.parametrize('rate', [25.0, 12.5])
def test_a_video_has_the_rate_of_its_frames(tmp_path, rate):
    write_video(tmp_path, rate)
    video = cv2.VideoCapture(str(tmp_path / 'drive.mp4'))
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(rate)
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 30


@pytest.mark.parametrize('share', [0.3, 0.99])
def test_no_video_is_left_if_the_disk_is_full(tmp_path, share):
    (tmp_path / 'whole').mkdir()
    write_video(tmp_path / 'whole', 10.0)
    size = os.path.getsize(str(tmp_path / 'whole' / 'drive.mp4'))
    (tmp_path / 'short').mkdir()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(share * size), limits[1]))
    try:
        with pytest.raises(UserError, match='cannot write video .*drive.mp4'):
            write_video(tmp_path / 'short', 10.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not os.listdir(str(tmp_path / 'short'))
