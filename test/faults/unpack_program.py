"""Unpacks a whole archive, as scripts/prepare.py unpacks the files that it needs.

    python test/faults/unpack_program.py archive.zip folder
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from scripts.unpack_archive import unpack  # noqa: E402
from vo_common.errors import run_main  # noqa: E402
from vo_common.files import make_folder  # noqa: E402


def main():
    archive, target = sys.argv[1:]
    unpack(archive, make_folder(target), strip='dataset/')


if __name__ == '__main__':
    run_main(main)
