"""Atomic writes, tolerant reads of text, and errors that name the file."""
import contextlib
import io
import json
import os
import re
import tempfile
import time
import types

from vo_common.errors import UserError

# Suffix of files that are being written; identifies leftovers of killed runs.
TEMPORARY_SUFFIX = '.partial'
_OLD_SECONDS = 3600  # age of leftovers; no write takes longer
# NUL in a name is a ValueError; makedirs and the JSON decoder recurse for each level.
_ORDINARY = (OSError, ValueError, RecursionError)


def utf8_path(path):
    """A path for TensorFlow: its bytes on disk decoded as UTF-8 in any locale.

    Returns the path unchanged if its bytes are not UTF-8.
    """
    try:
        return os.fsencode(path).decode('utf-8')
    except UnicodeDecodeError:
        return path


def expand_typed(path):
    """Expands `~` or `$NAME` at the start of a path typed on a command line.

    Expands nothing else, because a folder further down may really be called `$HOME`. Do not use it
    for names that come from a file or an archive.
    """
    first, separator, rest = path.partition(os.sep)
    if first.startswith('~'):
        first = os.path.expanduser(first)
    elif first.startswith('$'):
        first = os.path.expandvars(first)
    return first + separator + rest


@contextlib.contextmanager
def atomic_write(path, mode='w'):
    """Collects the content in memory and writes it to `path` when the block succeeds.

    A reader, or a run after a crash, sees either the complete old file or the complete new one: the
    content goes to a temporary file in the same folder, which is renamed once it is on disk.

    Yields an io.StringIO (UTF-8), or with mode 'wb' an io.BytesIO. Raises a UserError with the path
    and the reason if the file cannot be written.
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
    """As `atomic_write`, for content that need not fit in memory.

    Yields an object with a method `write(bytes)`, whose errors, and only those, name the file. It
    has no descriptor, since some C libraries that use one ignore a full disk.
    """
    path = os.path.abspath(path)
    with writing(path):
        handle, temporary = tempfile.mkstemp(
            prefix='.%s.' % os.path.basename(path)[:100], suffix=TEMPORARY_SUFFIX,
            dir=os.path.dirname(path))
    stream = os.fdopen(handle, 'wb')

    def write(data):
        with writing(path):
            return stream.write(data)

    try:
        yield types.SimpleNamespace(write=write)
        with writing(path):
            stream.flush()
            os.fsync(stream.fileno())
            stream.close()
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(temporary, 0o666 & ~umask)
            os.replace(temporary, path)
    finally:
        with contextlib.suppress(OSError):  # a failed write is already reported
            stream.close()
        if os.path.exists(temporary):
            os.remove(temporary)


@contextlib.contextmanager
def _explained(problem, kinds=_ORDINARY):
    """Turns errors of these kinds in the block into a UserError: `problem` and the reason."""
    try:
        yield
    except UserError:
        raise
    except kinds as error:
        raise UserError('%s: %s' % (problem, reason(error))) from error


def writing(what):
    """Context that turns a system error into a UserError: cannot write `what`."""
    return _explained('cannot write %s' % what)


def reading(path, what):
    """Context that turns any exception into a UserError that names the file `path`.

    Decoders raise exceptions of nearly any type on broken bytes (SyntaxError, struct.error,
    OverflowError, MemoryError, ...). Put only decoding calls in the block. `what` is the kind of
    the file.
    """
    return _explained('cannot read %s %s' % (what, path), Exception)


def reason(error):
    """The system's message of an OSError, or the first line of another error."""
    return getattr(error, 'strerror', None) or str(error).split('\n')[0] or type(error).__name__


def write_text(path, text):
    """Writes `text` to `path` atomically."""
    with atomic_write(path) as stream:
        stream.write(text)


def write_json(path, value):
    """Writes `value` as indented JSON to `path` atomically; raises a ValueError for NaN."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + '\n')


def read_text(path, what='text file'):
    """The text of a UTF-8 file, without a byte-order mark; line ends become newlines.

    Raises a UserError if the file is missing, unreadable or not UTF-8; `what` is its kind.
    """
    path = require_file(path, what)
    with reading(path, what), open(path, encoding='utf-8-sig') as stream:
        return stream.read()


def read_json(path, what='JSON file'):
    """The value in a JSON file; raises a UserError if it is missing or broken."""
    text = read_text(path, what)
    with _explained('%s: is not valid JSON' % path):
        return json.loads(text)


def numbered_lines(path, what='text file'):
    """The non-empty lines of a text file, stripped: list of (line number from 1, str)."""
    lines = [(number, line.strip())
             for number, line in enumerate(read_text(path, what).split('\n'), 1) if line.strip()]
    for number, line in lines:
        if '\0' in line:
            raise UserError('%s %s: line %d: holds a NUL byte, must be text' % (what, path, number))
    return lines


def read_lines(path, what='text file'):
    """The non-empty lines of a text file, stripped; errors as `read_text`."""
    return [line for _, line in numbered_lines(path, what)]


def list_folder(path):
    """The names in a folder, unordered; raises a UserError if it cannot be read."""
    with reading(path, 'folder'):
        return os.listdir(path)


def remove_others(folder, pattern, names=()):
    """Removes the files in `folder` whose full name matches `pattern` and is not in `names`.

    A longer, earlier run leaves such files, which would be mistaken for results of this run.
    """
    for name in list_folder(folder):
        if re.fullmatch(pattern, name) and name not in names:
            path = os.path.join(folder, name)
            with _explained('cannot remove %s of an earlier run' % path):
                os.remove(path)


def make_folder(path):
    """Creates the folder `path` and its parents if missing; returns the absolute path.

    Removes old temporary files of killed runs from the folder. Raises a UserError if a file is in
    the way, or the folder cannot be made or written to.
    """
    path = os.path.abspath(path)
    with _explained('cannot make folder %s' % path):
        os.makedirs(path, exist_ok=True)
    if not os.access(path, os.W_OK | os.X_OK):
        raise UserError('folder %s is not writable' % path)
    _remove_leftovers(path)
    return path


def _remove_leftovers(folder):
    """Removes old temporary files of killed runs, but not files that are being written."""
    with contextlib.suppress(OSError):  # another program may remove them first
        for entry in os.scandir(folder):
            if (entry.name.startswith('.') and entry.name.endswith(TEMPORARY_SUFFIX)
                    and time.time() - entry.stat().st_mtime > _OLD_SECONDS):
                os.remove(entry.path)


def require_file(path, what, hint=''):
    """The absolute form of `path`; raises a UserError unless it is a file. `what` is its kind."""
    return _require(path, what, hint, os.path.isfile, 'a file')


def require_folder(path, what, hint=''):
    """The absolute form of `path`; raises a UserError unless it is a folder."""
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
