"""Shared fixtures: golden data in the repository, real KITTI frames beside it where they are."""
import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / 'test' / 'golden'
sys.path[:0] = [str(ROOT), str(GOLDEN / 'geonet'), str(GOLDEN / 'convlstm_vo')]


@pytest.fixture(scope='session')
def golden():
    """<pathlib.Path> the folder of golden data, with `geonet/` and `convlstm_vo/`."""
    return GOLDEN


@pytest.fixture(scope='session')
def shared():
    """<pathlib.Path> the folder that holds `kitti_sample/` and its neighbours; skips without it."""
    sample = os.environ.get('KITTI_SAMPLE_DIR')
    folder = pathlib.Path(sample).parent if sample else ROOT.parent / 'shared'
    if not (folder / 'kitti_sample').is_dir():
        pytest.skip('needs real KITTI frames: set KITTI_SAMPLE_DIR')
    return folder
