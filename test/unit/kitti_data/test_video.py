"""Videos: the rate of the file, and a break in the middle that is told."""
import cv2
import numpy as np
import pytest

from common.errors import UserError
from kitti_data import frame_source, video


@pytest.fixture
def path(tmp_path):
    """40 frames of noise, 25 a second."""
    path = str(tmp_path / 'drive.avi')
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*'MJPG'), 25.0, (104, 32))
    random = np.random.RandomState(0)
    for _ in range(40):
        writer.write(random.randint(0, 255, (32, 104, 3)).astype(np.uint8))
    writer.release()
    return path


def test_a_whole_video_has_its_own_rate_and_no_fault(path):
    source = frame_source.sequence_frames(path)
    assert (len(source.names), source.size, source.rate) == (40, (32, 104), 25.0)
    np.testing.assert_allclose(source.read_times(), np.arange(40) / 25)
    frame_source.require_whole(source)


def test_a_broken_video_gives_what_comes_before_and_says_so(path):
    with open(path, 'rb') as stream:
        content = stream.read()
    with open(path, 'wb') as stream:
        stream.write(content[:len(content) // 2])
    source = frame_source.sequence_frames(path)
    found = len(source.names)
    assert 10 < found < 30 and len(list(source.read(32, 104))) == found
    with pytest.raises(UserError, match='drive.avi is broken: %d of its 40 frames' % found):
        frame_source.require_whole(source)


def test_a_video_without_a_rate_is_refused(path, monkeypatch):
    monkeypatch.setattr(video, '_property', lambda *_: 0.0)
    with pytest.raises(UserError, match='drive.avi: does not tell its frame rate'):
        video.probe(path)
