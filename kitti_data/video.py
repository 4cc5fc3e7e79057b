"""Videos: their frames, how many can be decoded, and how fast they were taken."""
import math
from typing import NamedTuple

from common.errors import UserError
from common.opencv import cv2

EXTENSIONS = ('.mp4', '.avi', '.mov', '.mkv', '.m4v', '.webm', '.mpg', '.mpeg')
# Some containers estimate their number of frames from their length in seconds.
_MISCOUNTED_SHARE, _MISCOUNTED = 0.01, 2


class Video(NamedTuple):
    """What a video file holds.

    frames: how many can be decoded.
    size: (height, width).
    rate: frames a second, by the file.
    fault: says that the video is broken, where more frames were announced; else ''.
    """
    frames: int
    size: tuple
    rate: float
    fault: str


def probe(path):
    """The `Video` at `path`, after decoding all of it.

    Raises:
      UserError: it is no video, without a frame, or does not tell its frame rate.
    """
    if not path.lower().endswith(EXTENSIONS):
        raise UserError('%s is neither a folder nor a video (%s)' % (path, ', '.join(EXTENSIONS)))
    frames = 0
    for image in read_frames(path):
        size = image.shape[:2]
        frames += 1
    if not frames:
        raise UserError('video %s holds no frame that can be decoded' % path)
    rate, announced = _property(path, cv2.CAP_PROP_FPS), _property(path, cv2.CAP_PROP_FRAME_COUNT)
    if rate <= 0:
        raise UserError('video %s: does not tell its frame rate (write it again with one, or give '
                        'a folder of its frames)' % path)
    fault = ''
    if announced - frames > max(_MISCOUNTED, _MISCOUNTED_SHARE * announced):
        fault = 'video %s is broken: %d of its %d frames can be decoded' % (path, frames, announced)
    return Video(frames, size, rate, fault)


def read_frames(path):
    """Yields the frames of a video as uint8 [H, W, 3], RGB."""
    capture = cv2.VideoCapture(path)
    try:
        while True:
            found, image = capture.read()
            if not found:
                return
            yield image[..., ::-1]
    finally:
        capture.release()


def _property(path, which):
    """A number that the file's header tells, 0 where it does not."""
    capture = cv2.VideoCapture(path)
    value = capture.get(which)
    capture.release()
    return value if math.isfinite(value) else 0.0
