"""What a value of a plugin's option may be: its type, the check, and the words for it."""
import collections
import json
import re

from vo_common.errors import UserError

MOST_DUMP_STEPS = 100
_LARGEST_INT = 2 ** 31 - 1  # the plugin reads steps by C's atoi

Legal = collections.namedtuple('Legal', 'type words is_legal is_path', defaults=(False,))
Legal.__doc__ = """The legal values of an option.

type: of the flag. words: what a value must be. is_legal: function of a value. is_path: whether `~`
and `$NAME` at its beginning are expanded where it is typed.
"""


def one_of(*values):
    """Legal: one of these texts."""
    return Legal(str, 'one of ' + ', '.join(values), lambda value: value in values)


def _is_whole(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_byte_count(value):
    return bool(re.match(r'[0-9]{1,18}\Z', value)) and int(value) > 0


def _are_dump_steps(value):
    parts = value.split('|')
    if len(parts) > MOST_DUMP_STEPS:
        return False
    for part in parts:
        if not re.match(r'[0-9]{1,10}(-[0-9]{1,10})?\Z', part):
            return False
        ends = [int(end) for end in part.split('-')]
        if ends[-1] > _LARGEST_INT or len(ends) == 2 and ends[0] >= ends[1]:
            return False
    return True


def _is_json_object(value):
    try:
        return isinstance(json.loads(value), dict)
    except ValueError:
        return False


def _is_text(value):
    return isinstance(value, str) and value != ''


SWITCH = Legal(bool, 'true or false', lambda value: isinstance(value, bool))
COUNT = Legal(int, 'a whole number of at least 1', _is_whole)
BYTES = Legal(str, 'a number of bytes, as in 17179869184', _is_byte_count)
DUMP_STEPS = Legal(
    str, 'at most %d steps and rising ranges, as in 0|5|10-20' % MOST_DUMP_STEPS, _are_dump_steps)
JSON_OBJECT = Legal(str, 'a JSON object', _is_json_object)
NAME = Legal(str, 'the name of an op', _is_text)
FILE = Legal(str, 'a file', _is_text, is_path=True)
FOLDER = Legal(str, 'a folder', _is_text, is_path=True)


def require(name, value, legal):
    """Raises a UserError that names the flag unless `value` is legal."""
    if not isinstance(value, legal.type) or not legal.is_legal(value):
        raise UserError('--%s=%s: must be %s' % (name, value, legal.words))
