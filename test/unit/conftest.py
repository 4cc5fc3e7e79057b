"""Shared fixtures: golden data, real KITTI frames if available, rendered data, short trainings."""
import os
import pathlib
import sys

import pytest

from repository import ROOT

GOLDEN = ROOT / 'test' / 'golden'
sys.path[:0] = [str(GOLDEN / 'geonet'), str(GOLDEN / 'convlstm_vo')]


@pytest.fixture(scope='session')
def golden():
    """<pathlib.Path> the folder of golden data, with `geonet/` and `convlstm_vo/`."""
    return GOLDEN


@pytest.fixture(scope='session')
def numbers(golden):
    """dict of arrays: `in_*` inputs of the published geometry and losses, `out_*` their outputs."""
    import numpy as np
    return dict(np.load(str(golden / 'geonet' / 'utils_tf.npz')))


@pytest.fixture(scope='session')
def shared():
    """<pathlib.Path> the folder that holds `kitti_sample/` and its neighbours; skips without it."""
    sample = os.environ.get('KITTI_SAMPLE_DIR')
    folder = pathlib.Path(sample).parent if sample else ROOT.parent / 'shared'
    if not (folder / 'kitti_sample').is_dir():
        pytest.skip('needs real KITTI frames: set KITTI_SAMPLE_DIR')
    return folder


@pytest.fixture(scope='session')
def synthetic_kitti(tmp_path_factory):
    """<str> an odometry folder with the rendered sequences 00 and 09, 12 frames of 32x104."""
    from kitti_data.rendering.synthetic import synthetic_dataset
    folder = str(tmp_path_factory.mktemp('synthetic kitti'))
    synthetic_dataset(folder, ['00', '09'], 12, 32, 104)
    return folder


@pytest.fixture(scope='session')
def synthetic_video(synthetic_kitti, tmp_path_factory):
    """(<str> a video of sequence 09, <str> a folder of the frames that a player shows of it)."""
    import cv2
    folder = tmp_path_factory.mktemp('my drive')
    images = pathlib.Path(synthetic_kitti) / 'sequences' / '09' / 'image_2'
    path, frames = str(folder / 'my drive.avi'), folder / 'frames'
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*'MJPG'), 10.0, (104, 32))
    for image in sorted(images.iterdir()):
        writer.write(cv2.imread(str(image)))
    writer.release()
    frames.mkdir()
    video = cv2.VideoCapture(path)
    for number in range(12):
        assert cv2.imwrite(str(frames / ('%06d.png' % number)), video.read()[1])
    return path, str(frames)


@pytest.fixture(scope='session')
def synthetic_formatted(synthetic_kitti, tmp_path_factory):
    """<str> the formatted set of sequence 00 of `synthetic_kitti`, 10 examples of 3 frames."""
    from kitti_data.preparation.prepare_train_data import main
    folder = str(tmp_path_factory.mktemp('formatted set'))
    main(['--dataset_name=kitti_odom', '--dataset_dir=' + synthetic_kitti, '--sequences=0',
          '--dump_root=' + folder, '--img_height=32', '--img_width=104'])
    return folder


@pytest.fixture(scope='session')
def synthetic_2015(tmp_path_factory):
    """<str> a KITTI 2015 folder with two rendered scenes of 48x156."""
    from kitti_data.rendering.layouts import kitti_2015_dataset
    folder = str(tmp_path_factory.mktemp('synthetic 2015'))
    kitti_2015_dataset(folder, 2, 48, 156)
    return folder


@pytest.fixture(scope='session')
def rigid_run(synthetic_kitti, synthetic_formatted, tmp_path_factory):
    """<str> the folder of four steps of train_rigid on small nets, validated on sequence 09."""
    from geonet_program import train_rigid
    folder = str(tmp_path_factory.mktemp('rigid run'))
    train_rigid(synthetic_formatted, folder, 4, eval_every=2, eval_batches=1, summary_freq=2,
                eval_dataset_dir=synthetic_kitti)
    return folder


@pytest.fixture(scope='session')
def residual_run(rigid_run, synthetic_formatted, tmp_path_factory):
    """<str> the folder of one step of residual train_flow on top of `rigid_run`."""
    from geonet_program import geonet
    folder = str(tmp_path_factory.mktemp('residual run'))
    geonet('train_flow', dataset_dir=synthetic_formatted, checkpoint_dir=folder, max_steps=1,
           batch_size=1, init_ckpt_file=rigid_run)
    return folder
