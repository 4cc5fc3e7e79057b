"""Videos: their frames and rate, a break in the middle, and GIFs without ffmpeg."""
import pathlib

import cv2
import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from kitti_data import frame_source, video
from vo_common.errors import UserError


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
    monkeypatch.setattr(video.cv2, 'CAP_PROP_FPS', -1)  # a property that no video has
    with pytest.raises(UserError, match='drive.avi: has no frame rate'):
        video.probe(path)


@pytest.mark.parametrize('error', [RuntimeError, ImportError])
def test_without_ffmpeg_a_gif_is_written_and_a_warning_says_so(
        tmp_path, monkeypatch, capsys, error):
    def absent():
        raise error('no ffmpeg')
    monkeypatch.setattr(imageio_ffmpeg, 'get_ffmpeg_exe', absent)
    with video.VideoWriter(str(tmp_path / 'drive'), 10.0) as writer:
        for level in range(5):
            writer.write(np.full((32, 104, 3), 50 * level, np.uint8))
    assert 'no ffmpeg: the video is written as a GIF' in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ['drive.gif']
    with Image.open(writer.path) as gif:
        assert (gif.n_frames, gif.size, gif.info['duration']) == (5, (104, 32), 100)
        gif.seek(3)
        assert gif.convert('RGB').getpixel((50, 16)) == (150, 150, 150)


def test_what_is_written_is_what_is_read(tmp_path):
    frames = [np.full((33, 105, 3), (40 * level, 128, 255 - 40 * level), np.uint8)
              for level in range(5)]
    with video.VideoWriter(str(tmp_path / 'drive'), 12.5) as writer:
        for frame in frames:
            writer.write(frame)
    source = frame_source.sequence_frames(writer.path)
    assert (len(source.names), source.size, source.rate) == (5, (32, 104), 12.5)
    np.testing.assert_allclose(source.read_times(), np.arange(5) / 12.5)
    frame_source.require_whole(source)
    found = list(source.read(32, 104))
    assert len(found) == 5
    for frame, read in zip(frames, found):
        np.testing.assert_allclose(read, frame[:32, :104], atol=6)


def test_a_relative_name_may_look_like_an_address(path, tmp_path, monkeypatch):
    (tmp_path / 'cam:1.avi').write_bytes(pathlib.Path(path).read_bytes())
    monkeypatch.chdir(tmp_path)
    assert video.probe('cam:1.avi').frames == video.probe(path).frames
