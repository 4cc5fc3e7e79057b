"""The program that scores a trajectory."""
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from common.errors import UserError
from kitti_data import odometry
from kitti_eval import eval_odometry, evo_tools, snippets
from kitti_eval.constant_motion import constant_motion, step_from_files
from winding_drive import winding


def test_a_missing_evo_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setattr('sys.executable', str(tmp_path / 'python'))
    monkeypatch.setenv('PATH', str(tmp_path))
    with pytest.raises(UserError, match='pip install evo'):
        evo_tools.evo_errors(winding(5), winding(5))


def write_indexed(path, frames, poses):
    rows = np.concatenate([np.array(frames)[:, None], poses[:, :3].reshape(-1, 12)], axis=1)
    np.savetxt(str(path), rows, fmt=['%d'] + ['%.9e'] * 12)


def test_thirteen_columns_are_matched_by_frame(tmp_path, capsys):
    gt = winding(200)
    odometry.write_poses(str(tmp_path / '09.txt'), gt)
    write_indexed(tmp_path / 'pred.txt', range(10, 200, 2), gt[10::2])
    eval_odometry.main(['--gtruth', str(tmp_path / '09.txt'), '--pred', str(tmp_path / 'pred.txt')])
    with open(str(tmp_path / 'pred.eval_odometry.json')) as stream:
        result = json.load(stream)
    assert result['frames'] == 95
    assert result['ate'] < 1e-6 < 0.1 < result['baseline']['ate']
    assert '95 of the 200 poses' in capsys.readouterr().err
    write_indexed(tmp_path / 'pred.txt', [3, 200], gt[:2])
    with pytest.raises(UserError, match='no pose of frame 200'):
        eval_odometry.read_trajectories(str(tmp_path / '09.txt'), str(tmp_path / 'pred.txt'))


def test_a_snippet_folder_is_chained_and_plotted(tmp_path, capsys):
    gt = winding(160)
    odometry.write_poses(str(tmp_path / '09.txt'), gt)
    odometry.write_poses(str(tmp_path / 'train.txt'), constant_motion(5, (0, 0, 1.0)))
    runs = snippets.snippets_of_trajectory(gt, 3)
    runs[..., :3, 3] *= 0.1
    times = np.arange(len(runs))[:, None] + np.arange(3)
    snippets.write_snippets(str(tmp_path / 'pred'), range(len(runs)), times, runs)
    eval_odometry.main(['--gtruth', str(tmp_path / '09.txt'), '--pred', str(tmp_path / 'pred'),
                        '--snippet_scale=global', '--align=7dof', '--plot',
                        '--baseline_poses', str(tmp_path / 'train.txt')])
    out = capsys.readouterr().out
    assert '3-frame snippets chained, scale global' in out
    assert 'constant motion (train)' in out
    with open(str(tmp_path / 'pred' / 'eval_odometry.json')) as stream:
        assert json.load(stream)['t_rel'] < 0.01
    for name in ('trajectory', 'errors'):
        assert os.path.getsize(str(tmp_path / 'pred' / ('eval_odometry_%s.png' % name))) > 10000
    page = (tmp_path / 'pred' / 'eval_odometry.html').read_text()
    assert page.count('data:image/png;base64,') == 2 and 'constant motion (train)' in page


def run_odometry(tmp_path, *flags):
    eval_odometry.main(['--gtruth', str(tmp_path / '09.txt'), '--pred', str(tmp_path / 'pred.txt')]
                       + list(flags))
    with open(str(tmp_path / 'pred.eval_odometry.json')) as stream:
        return json.load(stream)


def test_sparse_predictions_have_the_errors_of_their_own_frames(tmp_path):
    """A drive at 1 m a frame that is predicted at 1.1 m, with every third frame left out."""
    gt, pred = constant_motion(250, (0, 0, 1.0)), constant_motion(250, (0, 0, 1.1))
    odometry.write_poses(str(tmp_path / '09.txt'), gt)
    frames = [frame for frame in range(5, 250) if frame % 3]
    write_indexed(tmp_path / 'pred.txt', frames, pred[frames])
    odometry.write_poses(str(tmp_path / 'train.txt'), constant_motion(9, (0, 0, 1.2)))
    result = run_odometry(tmp_path, '--baseline_poses', str(tmp_path / 'train.txt'))
    assert result['frames'] == len(frames)
    assert result['rpe_trans'] == pytest.approx(0.1)
    assert result['ate'] == pytest.approx(
        np.sqrt(np.mean((0.1 * (np.array(frames) - 5)) ** 2)), rel=1e-6)
    assert result['baseline']['rpe_trans'] == pytest.approx(0.2)
    assert result['baseline']['ate'] == pytest.approx(2 * result['ate'], rel=1e-6)
    # Segments end at the first predicted frame beyond their length; errors are 0.1 m a metre.
    assert 10 < result['by_length']['100']['t_rel'] < 10.3
    assert 20 < result['baseline']['by_length']['100']['t_rel'] < 20.6


def test_without_neighbours_there_is_no_rpe(tmp_path, capsys):
    odometry.write_poses(str(tmp_path / '09.txt'), winding(200))
    write_indexed(tmp_path / 'pred.txt', range(0, 200, 2), winding(200)[::2])
    result = run_odometry(tmp_path)
    assert result['rpe_trans'] is None and result['rpe_rot'] is None and result['ate'] < 1e-6
    assert 'no two frames of the prediction are neighbours' in capsys.readouterr().err


def test_the_baseline_of_sparse_poses_takes_steps_between_neighbours_alone(tmp_path):
    straight = constant_motion(30, (0, 0, 2.0))
    frames = [0, 1, 2, 10, 11, 20]
    write_indexed(tmp_path / 'train.txt', frames, straight[frames])
    step, _ = step_from_files([str(tmp_path / 'train.txt')])
    np.testing.assert_allclose(step, [0, 0, 2], atol=1e-9)


def test_two_predictions_of_one_frame_are_refused(tmp_path):
    odometry.write_poses(str(tmp_path / '09.txt'), winding(20))
    write_indexed(tmp_path / 'pred.txt', [0, 1, 1, 2], winding(4))
    with pytest.raises(UserError, match='pred.txt: line 3: found the frame number 1, must be'):
        run_odometry(tmp_path)
    for name in ('5.txt', '000005.txt'):
        (tmp_path / 'snippets').mkdir(exist_ok=True)
        (tmp_path / 'snippets' / name).write_text('0 0 0 0 0 0 0 1\n1 0 0 1 0 0 0 1\n')
    with pytest.raises(UserError, match='000005.txt and 5.txt begin with the same frame'):
        snippets.read_snippets(str(tmp_path / 'snippets'))


@pytest.mark.parametrize('align, factor, hinted', [
    ('none', 20.0, True), ('6dof', 20.0, True), ('7dof', 20.0, False), ('none', 1.1, False)])
def test_the_alignment_is_pointed_at_where_only_the_scale_differs(
        tmp_path, capsys, align, factor, hinted):
    gt = winding(60)
    odometry.write_poses(str(tmp_path / '09.txt'), gt)
    gt[:, :3, 3] /= factor
    odometry.write_poses(str(tmp_path / 'pred.txt'), gt)
    run_odometry(tmp_path, '--align=' + align)
    said = capsys.readouterr().err
    assert ('--align=7dof' in said) == hinted
    assert not hinted or 'scaled by 20 ' in said


def test_the_result_is_written_before_evo_fails(tmp_path, monkeypatch):
    odometry.write_poses(str(tmp_path / '09.txt'), winding(60))
    odometry.write_poses(str(tmp_path / 'pred.txt'), winding(60))

    def fail(*_, **__):
        raise UserError('evo_ape failed')
    monkeypatch.setattr(evo_tools, 'evo_errors', fail)
    with pytest.raises(UserError, match='evo_ape failed'):
        run_odometry(tmp_path, '--evo', '--plot')
    with open(str(tmp_path / 'pred.eval_odometry.json')) as stream:
        assert json.load(stream)['frames'] == 60
    assert (tmp_path / 'pred.eval_odometry_trajectory.png').exists()


def test_without_plots_matplotlib_is_not_imported(tmp_path):
    odometry.write_poses(str(tmp_path / '09.txt'), winding(20))
    root = os.path.dirname(os.path.dirname(os.path.abspath(eval_odometry.__file__)))
    done = subprocess.run(
        [sys.executable, '-X', 'importtime', os.path.join(root, 'kitti_eval', 'eval_odometry.py'),
         '--gtruth', str(tmp_path / '09.txt'), '--pred', str(tmp_path / '09.txt')],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    assert done.returncode == 0 and 'scipy' in done.stderr
    assert 'matplotlib' not in done.stderr and 'tensorflow' not in done.stderr


@pytest.mark.parametrize('locale', ['C', 'C.UTF-8'])
@pytest.mark.parametrize('name', [b'caf\xe9', '中é'.encode('utf-8')])
def test_names_that_the_terminal_cannot_show_are_evaluated_all_the_same(tmp_path, locale, name):
    folder = os.path.join(os.fsencode(str(tmp_path)), name)
    os.mkdir(folder)
    odometry.write_poses(os.fsdecode(folder) + '/09.txt', winding(20))

    def run(pred):
        return subprocess.run(
            [sys.executable, os.path.join(os.path.dirname(eval_odometry.__file__),
                                          'eval_odometry.py'),
             '--gtruth', folder + b'/09.txt', '--pred', folder + pred],
            env=dict(os.environ, LC_ALL=locale, PYTHONUTF8='0', PYTHONCOERCECLOCALE='0'),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    done = run(b'/09.txt')
    assert done.returncode == 0 and b'written: ' in done.stdout, done.stderr
    assert os.path.exists(folder + b'/09.eval_odometry.json')
    done = run(b'/none.txt')
    assert done.returncode == 2 and b'Traceback' not in done.stderr
    assert b'none.txt does not exist' in done.stderr
