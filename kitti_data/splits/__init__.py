"""Test drives of the splits, and the raw drives that the odometry sequences were cut from.

The lists are text files in this folder, with one drive per line.
"""
import os

from vo_common.files import read_lines


def test_scenes(split):
    """Set of raw drives in the test set of the 'eigen' or 'stereo' depth split."""
    return set(_lines('%s_test_scenes.txt' % split))


def training_drives(split):
    """Set of the city, residential and road drives of KITTI raw, without the test scenes."""
    return set(_lines('raw_drives.txt')) - test_scenes(split)


def odometry_drives():
    """Dict from odometry sequence ('00' to '10') to the raw drive that it was cut from."""
    return {sequence: drive for sequence, (drive, _, _) in _cuts().items()}


def odometry_first_frame(sequence):
    """The frame of the raw drive that is frame 0 of an odometry sequence; 0 if it is unknown.

    Source: the devkit of KITTI's odometry benchmark.
    """
    return int(_cuts().get(sequence, (None, 0, None))[1])


def _cuts():
    """Dict from sequence to (raw drive, first frame, last frame)."""
    return {line.split()[0]: tuple(line.split()[1:]) for line in _lines('odometry_drives.txt')}


def _lines(name):
    return read_lines(os.path.join(os.path.dirname(os.path.abspath(__file__)), name))
