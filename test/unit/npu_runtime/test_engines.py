"""Each engine resumes runs of the other one and predicts with its checkpoints.

Runs where OTHER_PYTHON names an interpreter with the other engine; `.ci/run` sets it in both
directions.
"""
import os
import shutil
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from checkpoint_values import values_of
from geonet_program import SIZE
from npu_runtime import checkpoints
from repository import ROOT, run
from toy_training import losses_of

# What a program of its own interpreter runs: the small nets of geonet_program.
PROGRAM = 'import sys; sys.path[:0] = sys.argv[1:3]; import geonet_program; ' \
          'geonet_program.geonet(sys.argv[3], *sys.argv[4:])'
# A comparison of both engines is the same from either side.
from_one_side = pytest.mark.skipif(tf.__version__.startswith('1.'),
                                   reason='the newest engine compares both')


@pytest.fixture(scope='module')
def other_python():
    """<str> the interpreter of the other engine."""
    python = os.environ.get('OTHER_PYTHON')
    if not python:
        pytest.skip('needs the other engine: set OTHER_PYTHON to its interpreter')
    return python


def geonet(python, mode, **flags):
    """Runs `geonet/main.py` on small nets with an interpreter; its output is the error's text."""
    argv = [python, '-c', PROGRAM, str(ROOT), str(ROOT / 'test' / 'helpers'), mode, *SIZE]
    done = run(*argv, *('--%s=%s' % item for item in sorted(flags.items())))
    assert done.returncode == 0, done.stdout + done.stderr


def train(python, data, folder, steps):
    """Trains or resumes; returns {step: loss} of the run and the weights at its end by name."""
    geonet(python, 'train_rigid', dataset_dir=data, checkpoint_dir=str(folder), max_steps=steps,
           batch_size=2, log_freq=1)
    return dict(losses_of(str(folder))), values_of(checkpoints.latest(str(folder)))


def test_a_run_of_the_other_engine_resumes_here_as_it_does_there(
        other_python, synthetic_formatted, tmp_path):
    there, here = tmp_path / 'there', tmp_path / 'here'
    train(other_python, synthetic_formatted, there, 2)
    shutil.copytree(str(there), str(here))
    losses_there, weights_there = train(other_python, synthetic_formatted, there, 3)
    losses_here, weights_here = train(sys.executable, synthetic_formatted, here, 3)
    assert losses_here == pytest.approx(losses_there, rel=1e-5)
    assert sorted(weights_here) == sorted(weights_there)
    assert sum('Adam' in name for name in weights_here) > 100
    # A weight whose gradient is rounding moves by a whole step of Adam either way: 0.14 % of all
    # on one core. Without the moments of the other engine 59 % would.
    close = [np.isclose(weights_here[name], weights_there[name], rtol=1e-4, atol=1e-5).ravel()
             for name in weights_here]
    assert np.concatenate(close).mean() > 0.99


@from_one_side
def test_both_engines_start_with_the_same_loss(other_python, synthetic_formatted, tmp_path):
    there, _ = train(other_python, synthetic_formatted, tmp_path / 'there', 1)
    here, _ = train(sys.executable, synthetic_formatted, tmp_path / 'here', 1)
    assert here == pytest.approx(there, rel=1e-5)


@from_one_side
def test_both_engines_predict_the_same_poses_with_one_checkpoint(
        other_python, rigid_run, synthetic_kitti, tmp_path):
    poses = {}
    for python in (sys.executable, other_python):
        folder = tmp_path / ('here' if python == sys.executable else 'there')
        geonet(python, 'test_pose', dataset_dir=synthetic_kitti, pose_test_seq=9,
               init_ckpt_file=rigid_run, output_dir=str(folder))
        poses[folder.name] = np.stack([np.loadtxt(str(path))
                                       for path in sorted(folder.glob('0*.txt'))])
    assert len(poses['here']) == 10
    np.testing.assert_allclose(poses['there'], poses['here'], atol=1e-5)
