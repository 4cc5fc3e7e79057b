"""Files that appear whole or not at all, text however it was saved, and errors that name files."""
import contextlib
import io
import json
import os
import re
import tempfile
import time

from vo_common.errors import UserError

# Of files that are being written: what a killed run leaves can be told from everything else.
TEMPORARY_SUFFIX = '.partial'
_OLD_SECONDS = 3600  # no file takes so long to write


def utf8_path(path):
    """A path as TensorFlow takes it: its bytes on the disk, read as UTF-8 whatever the locale is.

    Bytes that are no UTF-8 stay as Python has them.
    """
    try:
        return os.fsencode(path).decode('utf-8')
    except UnicodeDecodeError:
        return path


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
    try:
        content = buffer.getvalue() if 'b' in mode else buffer.getvalue().encode('utf-8')
    except UnicodeEncodeError as error:
        raise UserError('cannot write %s: %r is a name that is not UTF-8 (rename the file)' % (
            path, error.object[error.start - 30:error.end + 30])) from error
    with atomic_stream(path) as stream:
        stream.write(content)


@contextlib.contextmanager
def atomic_stream(path):
    """As `atomic_write` for bytes that are too many for the memory.

    What writes to it must be Python: libraries in C that take over the descriptor do not all notice
    a full disk.

    Yields:
      A binary file beside `path`, which takes its name when the block succeeds.
    """
    path = os.path.abspath(path)
    with _writing(path):
        handle, temporary = tempfile.mkstemp(
            prefix='.%s.' % os.path.basename(path)[:100], suffix=TEMPORARY_SUFFIX,
            dir=os.path.dirname(path))
    stream = os.fdopen(handle, 'wb')
    try:
        yield _Output(stream, path)
        with _writing(path):
            stream.flush()
            os.fsync(stream.fileno())
            stream.close()
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(temporary, 0o666 & ~umask)
            os.replace(temporary, path)
    finally:
        with contextlib.suppress(OSError):  # what could not be written is told already
            stream.close()
        if os.path.exists(temporary):
            os.remove(temporary)


class _Output:
    """What `atomic_stream` yields: what goes wrong in writing, and that alone, names the file."""

    def __init__(self, stream, path):
        self._stream, self._path = stream, path

    def write(self, data):
        """Writes bytes and returns how many."""
        with _writing(self._path):
            return self._stream.write(data)


@contextlib.contextmanager
def _writing(path):
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: NUL in a name
        raise UserError('cannot write %s: %s' % (path, reason(error))) from error


@contextlib.contextmanager
def reading(path, what):
    """Turns whatever happens in the block into a UserError that names the file `path`.

    Broken bytes make decoders raise nearly anything (SyntaxError, struct.error, OverflowError,
    MemoryError, ...), so only the calls that decode should stand in the block.

    Args:
      path: the file.
      what: names it in the error.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # pylint: disable=broad-except
        raise UserError('cannot read %s %s: %s' % (what, path, reason(error))) from error


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
    lines = [(number, line.strip())
             for number, line in enumerate(read_text(path, what).split('\n'), 1) if line.strip()]
    for number, line in lines:
        if '\0' in line:
            raise UserError('%s %s: line %d: holds a NUL byte, must be text' % (what, path, number))
    return lines


def read_lines(path, what='text file'):
    """The non-empty lines of a text file, stripped; errors as `read_text`."""
    return [line for _, line in numbered_lines(path, what)]


def list_folder(path, what='folder'):
    """The names in a folder, in no order; a UserError names one that cannot be read."""
    try:
        return os.listdir(path)
    except (OSError, ValueError) as error:
        raise UserError('cannot read %s %s: %s' % (what, path, reason(error))) from error


def remove_others(folder, pattern, names):
    """Removes the files of `folder` whose whole name matches `pattern` and is not in `names`.

    An earlier, longer run leaves them, and they would be taken for results of this one.

    Returns:
      How many they were.

    Raises:
      UserError: one cannot be removed.
    """
    stale = [name for name in list_folder(folder)
             if re.fullmatch(pattern, name) and name not in names]
    for name in stale:
        try:
            os.remove(os.path.join(folder, name))
        except OSError as error:
            raise UserError('cannot remove %s of an earlier run: %s' % (
                os.path.join(folder, name), reason(error))) from error
    return len(stale)


def make_folder(path):
    """Makes the folder `path` with its parents, where missing, and returns its absolute path.

    What killed runs left half written in it is removed when it is old.

    Raises:
      UserError: a file is in the way, or the folder cannot be made or written to.
    """
    path = os.path.abspath(path)
    try:
        os.makedirs(path, exist_ok=True)
    except (OSError, ValueError, RecursionError) as error:  # one call for each level
        raise UserError('cannot make folder %s: %s' % (path, reason(error))) from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise UserError('folder %s is not writable' % path)
    _remove_leftovers(path)
    return path


def _remove_leftovers(folder):
    """Removes the half written files of killed runs, not those of programs that write just now."""
    with contextlib.suppress(OSError):  # another program was quicker
        for entry in os.scandir(folder):
            if (entry.name.startswith('.') and entry.name.endswith(TEMPORARY_SUFFIX)
                    and time.time() - entry.stat().st_mtime > _OLD_SECONDS):
                os.remove(entry.path)


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
    raise UserError('%s %s %s%s' % (what, full, _found(full, kind), '; ' + hint if hint else ''))


def _found(path, kind):
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return 'does not exist'
    except OSError as error:
        return 'cannot be read: %s' % reason(error)
    return 'is not %s' % kind
