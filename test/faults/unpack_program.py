"""A program that unpacks a whole archive, as scripts/prepare.py unpacks the files that it needs.

    python test/faults/unpack_program.py --archive=a.zip --target=folder --strip=dataset/
"""
import dataclasses
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from scripts.unpack_archive import unpack  # noqa: E402
from vo_common.errors import run_main  # noqa: E402
from vo_common.files import make_folder  # noqa: E402
from vo_common.flags import Flags, flag, parse_flags, path_flag  # noqa: E402


@dataclasses.dataclass
class Config(Flags):
    """Unpacking."""
    archive: str = path_flag('', 'zip file')
    target: str = path_flag('', 'folder to unpack to')
    strip: str = flag('', 'prefix of the names in the archive to remove')


def main():
    config, = parse_flags(__doc__, Config)
    print('%d files unpacked, %d existed' % unpack(
        config.archive, make_folder(config.target), strip=config.strip))


if __name__ == '__main__':
    run_main(main)
