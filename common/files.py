"""Files that appear whole or not at all, and errors that name them."""
import contextlib
import json
import os
import tempfile

from common.errors import UserError


def expand(path):
    """The absolute form of `path`, with `~` and `$VARIABLES` replaced."""
    return os.path.abspath(os.path.expanduser(os.path.expandvars(path)))


@contextlib.contextmanager
def whole_file(path, mode='w'):
    """Opens a file beside `path` for writing and renames it to `path` when the block succeeds.

    A reader, or a run after a crash, sees the old file or the new one, never half of one.

    Raises:
      UserError: the file cannot be written (names it and the system's reason).
    """
    path = expand(path)
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(
            prefix='.%s.' % os.path.basename(path)[:100], dir=os.path.dirname(path))
        encoding = None if 'b' in mode else 'utf-8'
        with os.fdopen(handle, mode, encoding=encoding) as stream:
            yield stream
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except OSError as error:
        raise UserError('cannot write %s: %s' % (path, error.strerror or error)) from error
    finally:
        if temporary and os.path.exists(temporary):
            os.remove(temporary)


def write_text(path, text):
    """Writes `text` to `path`, whole."""
    with whole_file(path) as stream:
        stream.write(text)


def write_json(path, value):
    """Writes `value` as indented JSON to `path`, whole. NaN is refused: JSON has none."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + '\n')


def read_json(path):
    """The value in the JSON file `path`; a UserError names a missing or broken file."""
    require_file(path, 'JSON file')
    try:
        with open(path, encoding='utf-8') as stream:
            return json.load(stream)
    except ValueError as error:
        raise UserError('%s is not valid JSON: %s' % (path, error)) from error


def read_lines(path, what='text file'):
    """The non-empty lines of `path`, stripped.

    Raises:
      UserError: the file is missing, unreadable or not text.
    """
    path = require_file(path, what)
    try:
        with open(path, encoding='utf-8') as stream:
            lines = [line.strip() for line in stream]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError('cannot read %s %s: %s' % (what, path, error)) from error
    return [line for line in lines if line]


def make_folder(path):
    """Makes the folder `path` with its parents, where missing, and returns its absolute path.

    Raises:
      UserError: a file is in the way, or the folder cannot be made or written to.
    """
    path = expand(path)
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise UserError('cannot make folder %s: %s' % (path, error.strerror)) from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise UserError('folder %s is not writable' % path)
    return path


def require_file(path, what, hint=''):
    """The absolute form of `path`, which must be a file; `what` names it in the error."""
    return _require(path, what, hint, os.path.isfile, 'a file')


def require_folder(path, what, hint=''):
    """The absolute form of `path`, which must be a folder; `what` names it in the error."""
    return _require(path, what, hint, os.path.isdir, 'a folder')


def _require(path, what, hint, is_wanted_kind, kind):
    if not path:
        raise UserError('no %s given%s' % (what, '; ' + hint if hint else ''))
    full = expand(path)
    if is_wanted_kind(full):
        return full
    found = 'is not %s' % kind if os.path.exists(full) else 'does not exist'
    raise UserError('%s %s %s%s' % (what, full, found, '; ' + hint if hint else ''))
