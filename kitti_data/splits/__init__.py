"""Which drives are for testing, and which raw drives the odometry sequences were cut from.

The lists are text files beside this one, a drive a line.
"""
import os

from common.files import read_lines


def test_scenes(split):
    """Set of raw drives that the 'eigen' or 'stereo' depth split tests on."""
    return set(_lines('%s_test_scenes.txt' % split))


def training_drives(split):
    """Set of the city, residential and road drives of KITTI raw, without the test scenes."""
    return set(_lines('raw_drives.txt')) - test_scenes(split)


def odometry_drives():
    """Dict from odometry sequence ('00' to '10' without '03') to the raw drive it comes from."""
    return dict(line.split() for line in _lines('odometry_drives.txt'))


def _lines(name):
    return read_lines(os.path.join(os.path.dirname(os.path.abspath(__file__)), name))
