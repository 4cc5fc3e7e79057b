"""Files that appear whole or not at all, text however it was saved, and errors that name files."""
import contextlib
import io
import json
import os
import tempfile

from common.errors import UserError

# Of files that are being written: what a killed run leaves can be told from everything else.
TEMPORARY_SUFFIX = '.partial'


def expand_typed(path):
    """What a person means by a path typed on a command line: `~` or `$NAME` at its beginning.

    Only there: a folder further down may really be called `$HOME`. Only `flags.path_flag`
    calls it, never anything that takes names out of a file or an archive.
    """
    first, separator, rest = path.partition(os.sep)
    if first.startswith('~'):
        first = os.path.expanduser(first)
    elif first.startswith('$'):
        first = os.path.expandvars(first)
    return first + separator + rest


@contextlib.contextmanager
def atomic_write(path, mode='w'):
    """Collects what is written, and puts it at `path` when the block succeeds.

    A reader, or a run after a crash, sees the old file or the new one, never half of one: the
    content is complete in memory before a file beside `path` is begun, and that file is on the
    disk before it takes the name.

    Args:
      path: the file.
      mode: 'w' for text (UTF-8) or 'wb' for bytes.

    Yields:
      io.StringIO or io.BytesIO.

    Raises:
      UserError: the file cannot be written (names it and the system's reason).
    """
    buffer = io.BytesIO() if 'b' in mode else io.StringIO()
    yield buffer
    content = buffer.getvalue()
    _replace(os.path.abspath(path), content if 'b' in mode else content.encode('utf-8'))


def _replace(path, content):
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(
            prefix='.%s.' % os.path.basename(path)[:100], suffix=TEMPORARY_SUFFIX,
            dir=os.path.dirname(path))
        with os.fdopen(handle, 'wb') as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except (OSError, ValueError) as error:
        raise UserError('cannot write %s: %s' % (path, reason(error))) from error
    finally:
        if temporary and os.path.exists(temporary):
            os.remove(temporary)


def reason(error):
    """What the system says of an OSError, or the first line of any other error's text."""
    return getattr(error, 'strerror', None) or str(error).split('\n')[0] or type(error).__name__


def write_text(path, text):
    """Writes `text` to `path`, whole."""
    with atomic_write(path) as stream:
        stream.write(text)


def write_json(path, value):
    """Writes `value` as indented JSON to `path`, whole. NaN is refused: JSON has none."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + '\n')


def read_text(path, what='text file'):
    """The text of a UTF-8 file, without a byte-order mark; line ends become newlines.

    Args:
      path: the file.
      what: names it in errors.

    Raises:
      UserError: the file is missing, unreadable or not UTF-8.
    """
    path = require_file(path, what)
    try:
        with open(path, encoding='utf-8-sig') as stream:
            return stream.read()
    except (OSError, ValueError) as error:  # UnicodeDecodeError is a ValueError
        raise UserError('cannot read %s %s: %s' % (what, path, reason(error))) from error


def read_json(path, what='JSON file'):
    """The value in a JSON file; a UserError names a missing or broken one."""
    text = read_text(path, what)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError('%s: is not valid JSON: %s' % (path, reason(error))) from error


def numbered_lines(path, what='text file'):
    """The non-empty lines of a text file, stripped, with their numbers: list of (int, str).

    Numbers start at 1 and count every line, as an editor does.

    Raises:
      UserError: as `read_text`.
    """
    lines = read_text(path, what).split('\n')
    return [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()]


def read_lines(path, what='text file'):
    """The non-empty lines of a text file, stripped; errors as `read_text`."""
    return [line for _, line in numbered_lines(path, what)]


def make_folder(path):
    """Makes the folder `path` with its parents, where missing, and returns its absolute path.

    Raises:
      UserError: a file is in the way, or the folder cannot be made or written to.
    """
    path = os.path.abspath(path)
    try:
        os.makedirs(path, exist_ok=True)
    except (OSError, ValueError) as error:
        raise UserError('cannot make folder %s: %s' % (path, reason(error))) from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise UserError('folder %s is not writable' % path)
    return path


def require_file(path, what, hint=''):
    """The absolute form of `path`, which must be a file; `what` names it in the error."""
    return _require(path, what, hint, os.path.isfile, 'a file')


def require_folder(path, what, hint=''):
    """The absolute form of `path`, which must be a folder; `what` names it in the error."""
    return _require(path, what, hint, os.path.isdir, 'a folder')


def _require(path, what, hint, is_right_kind, kind):
    if not path:
        raise UserError('no %s given%s' % (what, '; ' + hint if hint else ''))
    if '\0' in str(path):
        raise UserError('%s %r: a path cannot contain a NUL byte' % (what, str(path)))
    full = os.path.abspath(path)
    if is_right_kind(full):
        return full
    found = 'is not %s' % kind if os.path.exists(full) else 'does not exist'
    raise UserError('%s %s %s%s' % (what, full, found, '; ' + hint if hint else ''))
