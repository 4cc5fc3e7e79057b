"""Lists of formatted sets: folders with spaces, lost lines."""
from pathlib import Path

import pytest

from kitti_data.example_list import read_example_list
from vo_common.errors import UserError
from vo_common.files import write_json


def test_lists_may_have_spaces_a_byte_order_mark_and_any_line_ends():
    Path('train.txt').write_bytes('\ufeff09 000001\r\n\r\nmy drive 000002\r\n'.encode('utf-8'))
    assert read_example_list('train.txt') == [('09', '000001'), ('my drive', '000002')]


def test_a_list_that_lost_lines_is_refused():
    Path('train.txt').write_text('00 000001\n00 000002\n')
    write_json('prepared.json', {'train': 2, 'val': 0})
    assert len(read_example_list('train.txt')) == 2
    Path('train.txt').write_text('00 000001\n')
    with pytest.raises(UserError, match='train.txt: lists 1 examples, must be 2 as in '
                                        'prepared.json'):
        read_example_list('train.txt')


@pytest.mark.parametrize('content, message', [
    ('00 000001\n\n00\n', "train.txt: line 3: found '00', must be \"folder frame\""),
    ('\n', 'train.txt lists no example'), ('00 0\0\n', 'train.txt: line 1: holds a NUL byte')])
def test_malformed_lines_are_reported(content, message):
    Path('train.txt').write_text(content)
    with pytest.raises(UserError, match=message):
        read_example_list('train.txt')
