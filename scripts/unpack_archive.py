"""Unpacks from a zip archive what is wanted and not there yet.

    python scripts/unpack_archive.py --archive=data_odometry_poses.zip --target=kitti \
        --strip=dataset/ --members='dataset/poses/*'

Every file appears whole, so that a run that was stopped is simply started again.
"""
import dataclasses
import fnmatch
import os
import shutil
import sys
import zipfile
import zlib
from typing import List

if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from common.errors import UserError, run_main
from common.files import atomic_write, make_folder, require_file
from common.flags import flag, parse_flags, path_flag
from common.progress import progress


@dataclasses.dataclass
class Config:
    """What is unpacked, and where to."""
    archive: str = path_flag('', 'zip file')
    target: str = path_flag('', 'folder to unpack to, made where missing')
    strip: str = flag('', 'start of the names in the archive that is left out on disk')
    members: List[str] = flag(['*'], 'patterns of the files that are wanted; * also matches /')

    def __post_init__(self):
        self.archive = require_file(self.archive, 'archive (--archive)')
        self.target = make_folder(self.target)


def unpack(archive, target, members=('*',), strip=''):
    """Writes the files of `archive` that match a pattern to `target`, unless they are there.

    A file counts as there when it has the size that the archive tells.

    Args:
      archive: path of a zip file.
      target: folder.
      members: patterns as for `fnmatch`, of whole names in the archive.
      strip: prefix of those names that is left out on disk.

    Returns:
      (number of files written, number of files that were there).

    Raises:
      UserError: no zip archive or a damaged one, no such file in it, or no room on the disk.
    """
    try:
        with zipfile.ZipFile(archive) as stored:
            wanted = [entry for entry in stored.infolist() if not entry.filename.endswith('/')
                      and any(fnmatch.fnmatchcase(entry.filename, one) for one in members)]
            if not wanted:
                raise UserError('%s holds nothing like %s; is it another archive?' % (
                    archive, ', '.join(members)))
            written = sum(_unpack_file(stored, entry, _path(entry, target, strip, archive))
                          for entry in progress(wanted, desc=os.path.basename(archive),
                                                unit='file'))
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise UserError('%s is damaged or was not downloaded to its end (%s)' % (
            archive, error)) from error
    return written, len(wanted) - written


def _path(entry, target, strip, archive):
    name = entry.filename
    if name.startswith(strip):
        name = name[len(strip):]
    path = os.path.normpath(os.path.join(target, name))
    if not path.startswith(os.path.join(target, '')):
        raise UserError('%s: %r would be written outside of %s' % (
            archive, entry.filename, target))
    return path


def _unpack_file(stored, entry, path):
    """Whether the file had to be written."""
    if os.path.isfile(path) and os.path.getsize(path) == entry.file_size:
        return False
    make_folder(os.path.dirname(path))
    with stored.open(entry) as source, atomic_write(path, 'wb') as stream:
        shutil.copyfileobj(source, stream, 1024 * 1024)
    return True


def main(argv=None):
    config, = parse_flags(__doc__.split('\n')[0], Config, argv=argv)
    written, there = unpack(config.archive, config.target, config.members, config.strip)
    print('%s: %d files unpacked, %d were there' % (
        os.path.basename(config.archive), written, there))


if __name__ == '__main__':
    run_main(main)
