"""Predicted depth: files that numpy reads, and invalid headers."""
from pathlib import Path

import numpy as np
import pytest

from kitti_data.depth_files import read_depths, write_depths
from vo_common.errors import UserError


def test_depths_come_back_and_are_what_numpy_would_write():
    depths = list(np.random.RandomState(0).uniform(1, 80, (3, 4, 5)).astype(np.float32))
    write_depths('a.npy', depths)
    np.save('b.npy', np.stack(depths))
    assert Path('a.npy').read_bytes() == Path('b.npy').read_bytes()
    np.testing.assert_array_equal(read_depths('a.npy'), depths)


def header(shape, descr='<f4'):
    return "{'descr': '%s', 'fortran_order': False, 'shape': %s, }" % (descr, shape)


@pytest.mark.parametrize('text', [
    header('(-3, 4, 5)'), header('(1000000000, 40000, 50000)'), header('(10, 40, 50)'),
    header('(%s,)' % ('9' * 40)), header('(1, 1, 1)', '|O'), "{'descr': [[", '(' * 100])
def test_broken_or_oversized_headers_are_reported(text):
    text = text.ljust(117) + '\n'
    Path('pred.npy').write_bytes(
        b'\x93NUMPY\1\0' + len(text).to_bytes(2, 'little') + text.encode())
    with pytest.raises(UserError, match='pred.npy'):
        read_depths('pred.npy')


def test_pictures_of_depth_are_refused_with_the_right_input():
    Path('000000_10.png').write_bytes(b'')
    with pytest.raises(UserError, match='000000_10.png: must be a .npy file.*--mode=test_depth'):
        read_depths('000000_10.png')
    with pytest.raises(UserError, match='is not a file; --mode=test_depth writes'):
        read_depths('.')
