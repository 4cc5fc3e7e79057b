"""What preparation takes from any data set: clips of numbered frames, and the examples in them."""
import typing

import numpy as np

from vo_common.errors import UserError


class Frame(typing.NamedTuple):
    """One image file."""
    number: int    # its place in time
    name: str      # of the example whose target it is
    path: str


class Clip(typing.NamedTuple):
    """Frames of one camera on one drive."""
    folder: str                     # of the formatted set
    frames: typing.List[Frame]      # ascending numbers, which may jump
    intrinsics: np.ndarray          # [3, 3], pixels of the image files
    size: tuple                     # (height, width) of each image file
    step: int = 1                   # difference in number of two neighbours of an example


class DataSet(typing.NamedTuple):
    """What is there to prepare, and what should be there but is not."""
    clips: typing.List[Clip]
    problems: typing.List[str]      # asked for and missing or broken: reported, exit status 2
    notes: typing.List[str]         # worth saying
    keep_rows: float = 1.0          # the share of the rows, from the top, that is kept


def examples_of(clip, seq_length):
    """Lists of seq_length frames, `clip.step` apart without exception, one list an example."""
    by_number = {frame.number: frame for frame in clip.frames}
    reach = seq_length // 2 * clip.step
    examples = []
    for frame in clip.frames:
        numbers = range(frame.number - reach, frame.number + reach + 1, clip.step)
        if all(number in by_number for number in numbers):
            examples.append([by_number[number] for number in numbers])
    return examples


def collect(keys, clips_of, name_of):
    """Calls `clips_of(*key)` for each key; what a UserError refuses becomes a problem.

    Args:
      keys: tuples, such as (drive, camera).
      clips_of: function that returns (list of <Clip>, list of problems).
      name_of: function that says which part of the data set a key is.

    Returns:
      (list of <Clip>, list of problems, each once).
    """
    clips, problems = [], []
    for key in keys:
        try:
            found, faults = clips_of(*key)
        except UserError as error:
            problems.append('%s is left out: %s' % (name_of(*key), error))
            continue
        clips += found
        problems += faults
    return clips, list(dict.fromkeys(problems))


def too_short(clips, seq_length):
    """A note for each clip that is too short for a single example."""
    return ['%s has %d frames, too few for an example of %d' % (
        clip.folder, len(clip.frames), seq_length)
            for clip in clips if not examples_of(clip, seq_length)]
