"""Lists of formatted sets: folders with spaces, lost lines."""
import json

import pytest

from kitti_data.example_list import read_example_list
from vo_common.errors import UserError


def test_lists_may_have_spaces_a_byte_order_mark_and_any_line_ends(tmp_path):
    path = tmp_path / 'train.txt'
    path.write_bytes('\ufeff09 000001\r\n\r\nmy drive 000002\r\n'.encode('utf-8'))
    assert read_example_list(str(path)) == [('09', '000001'), ('my drive', '000002')]


def test_a_list_that_lost_lines_is_refused(tmp_path):
    path = tmp_path / 'train.txt'
    path.write_text('00 000001\n00 000002\n')
    (tmp_path / 'prepared.json').write_text(json.dumps({'train': 2, 'val': 0}))
    assert len(read_example_list(str(path))) == 2
    path.write_text('00 000001\n')
    with pytest.raises(UserError, match='train.txt: lists 1 examples, must be 2 as in '
                                        'prepared.json'):
        read_example_list(str(path))


@pytest.mark.parametrize('content, message', [
    ('00 000001\n\n00\n', "train.txt: line 3: found '00', must be \"folder frame\""),
    ('\n', 'train.txt lists no example'), ('00 0\0\n', 'train.txt: line 1: holds a NUL byte')])
def test_malformed_lines_are_reported(tmp_path, content, message):
    (tmp_path / 'train.txt').write_text(content)
    with pytest.raises(UserError, match=message):
        read_example_list(str(tmp_path / 'train.txt'))
