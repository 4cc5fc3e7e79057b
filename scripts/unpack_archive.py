"""Unpacks the files of a zip archive that match a pattern and are missing on disk.

Files are written atomically, so an interrupted run can be repeated.
"""
import fnmatch
import os
import shutil
import zipfile

from vo_common.console import progress
from vo_common.errors import UserError
from vo_common.files import atomic_stream, make_folder, reason

_ENCRYPTED = 0x1  # bit in the flags of an entry


def unpack(archive, target, members=('*',), strip=''):
    """Writes the files of `archive` that match a pattern to `target`, unless they exist there.

    A file counts as existing if it has the size stored in the archive. Names are taken literally:
    `$HOME` and `~` in an archive are folders of these names.

    Args:
      archive: path of a zip file.
      target: folder.
      members: `fnmatch` patterns of full names in the archive.
      strip: prefix of those names to remove.

    Returns:
      (number of files written, number of files that existed).

    Raises:
      UserError: the archive is damaged or not a zip file, or has no matching file; a name leads out
        of `target`, directly or through an existing link; the disk is full.
    """
    try:
        with zipfile.ZipFile(archive) as stored:
            entries = [entry for entry in stored.infolist() if not entry.filename.endswith('/')
                       and any(fnmatch.fnmatchcase(entry.filename, one) for one in members)]
            if not entries:
                raise UserError('%s: found no file like %s (is it another archive?)' % (
                    archive, ', '.join(members)))
            for entry in entries:
                if entry.flag_bits & _ENCRYPTED:
                    raise UserError('%s: %r is encrypted (unpack it with its password)' % (
                        archive, entry.filename))
            paths = [_path(entry, target, strip, archive) for entry in entries]
            for folder in sorted(set(map(os.path.dirname, paths))):
                make_folder(folder)
            written = sum(_unpack_file(stored, entry, path)
                          for entry, path in progress(list(zip(entries, paths)), unit='file',
                                                      desc=os.path.basename(archive)))
    except UserError:
        raise
    except Exception as error:  # pylint: disable=broad-except
        # Broken offsets, sizes, names and methods raise exceptions of many types.
        raise UserError('%s: is damaged or its download is incomplete (%s)' % (
            archive, reason(error))) from error
    return written, len(entries) - written


def _path(entry, target, strip, archive):
    name = entry.filename
    if name.startswith(strip):
        name = name[len(strip):]
    path = os.path.normpath(os.path.join(target, name))
    # Links are resolved, since they may lead elsewhere.
    folder, root = (os.path.join(os.path.realpath(one), '')
                    for one in (os.path.dirname(path), target))
    if not path.startswith(os.path.join(target, '')) or not folder.startswith(root):
        raise UserError('%s: %r would be written outside of %s' % (
            archive, entry.filename, target))
    return path


def _unpack_file(stored, entry, path):
    """Writes a file if it is missing; returns whether it wrote the file."""
    if (os.path.isfile(path) and not os.path.islink(path)
            and os.path.getsize(path) == entry.file_size):
        return False
    with stored.open(entry) as source, atomic_stream(path) as stream:
        shutil.copyfileobj(source, stream, 1024 * 1024)
    return True
