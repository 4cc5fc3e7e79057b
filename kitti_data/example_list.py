"""Formatted sets: the lists `train.txt` and `val.txt`, with one `folder frame` per line.

An example is a strip of frames side by side.
"""
import os

from vo_common.errors import UserError
from vo_common.files import numbered_lines, read_json

SUMMARY_NAME = 'prepared.json'


def read_example_list(path):
    """Reads a list of (folder, frame), in order; names of folders may contain spaces.

    Raises a UserError if the list is missing or empty, has a line other than `folder frame`, or
    differs in length from the list that the preparation wrote.
    """
    examples = []
    for number, line in numbered_lines(path, 'list of examples'):
        words = line.rsplit(None, 1)
        if len(words) != 2:
            raise UserError('%s: line %d: found %r, must be "folder frame"' % (path, number, line))
        examples.append(tuple(words))
    if not examples:
        raise UserError('%s lists no example' % path)
    folder, name = os.path.split(path)
    written = _summary(folder).get(os.path.splitext(name)[0])
    if isinstance(written, int) and written != len(examples):
        raise UserError('%s: lists %d examples, must be %d as in %s (prepare the set again, or '
                        'remove %s if the list is meant to differ)' % (
                            path, len(examples), written, SUMMARY_NAME, SUMMARY_NAME))
    return examples


def check_strip_size(path, found, seq_length, img_height, img_width):
    """Raises a UserError unless `found`, (height, width) of an image, is the size of a strip."""
    if tuple(found) != (img_height, img_width * seq_length):
        raise UserError(
            '%s: is %d high and %d wide, must be %d and %d (--img_height=%d, --seq_length=%d times '
            '--img_width=%d)' % ((path,) + tuple(found) + (img_height, img_width * seq_length,
                                                           img_height, seq_length, img_width)))


def settings_of(folder):
    """dict of the flags with which a formatted set was prepared; empty if unknown."""
    settings = _summary(folder).get('settings')
    return settings if isinstance(settings, dict) else {}


def _summary(folder):
    path = os.path.join(folder, SUMMARY_NAME)
    summary = read_json(path) if os.path.exists(path) else None
    return summary if isinstance(summary, dict) else {}
