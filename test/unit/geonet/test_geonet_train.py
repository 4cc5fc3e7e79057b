"""Training GeoNet from its command line: resume, validation by the metric, what is trained."""
import glob
import json
import os
import shutil

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from checkpoint_values import values_of
from geonet import train
from geonet.config import ModelConfig
from geonet.run_config import RunConfig
from geonet_program import SIZE, geonet, geonet_fails, train_rigid
from kitti_data import images
from kitti_data.preparation import prepare_train_data
from kitti_eval import eval_flow, eval_pose, snippets
from toy_training import rows_of


def scalars_of(folder):
    found = {}
    for path in glob.glob(os.path.join(glob.escape(folder), 'events*')):
        for event in tf.train.summary_iterator(path):
            for value in event.summary.value:
                if value.WhichOneof('value') == 'simple_value':
                    found[event.step, value.tag] = value.simple_value
    return found


@pytest.fixture(scope='module')
def flow_run(synthetic_formatted, synthetic_2015, tmp_path_factory):
    """The folder of two steps of train_flow direct, validated on KITTI 2015 scenes."""
    folder = str(tmp_path_factory.mktemp('flow run'))
    geonet('train_flow', *SIZE, flownet_type='direct', dataset_dir=synthetic_formatted,
           checkpoint_dir=folder, max_steps=2, batch_size=1, log_freq=1, eval_every=2,
           eval_batches=1, eval_dataset_dir=synthetic_2015)
    return folder


def test_the_same_command_resumes_like_an_uninterrupted_run(
        rigid_run, synthetic_formatted, tmp_path):
    folder = str(tmp_path / 'run')
    train_rigid(synthetic_formatted, folder, 2)
    train_rigid(synthetic_formatted, folder, 4)
    unbroken = [(row['step'], row['losses']) for row in rows_of(rigid_run, 'train')]
    assert [(row['step'], row['losses']) for row in rows_of(folder, 'train')] == unbroken
    assert [row['step'] for row in rows_of(folder, 'resume')] == [2]


def test_validation_in_training_equals_testing_then_evaluating(
        rigid_run, synthetic_kitti, tmp_path, monkeypatch):
    # The motions of so young a net are near 5e-5, of which the six decimals of a file keep little.
    monkeypatch.setattr(snippets, '_NUMBER_FORMAT', '%.15f')
    poses = str(tmp_path / 'poses')
    geonet('test_pose', dataset_dir=synthetic_kitti, init_ckpt_file=rigid_run + '/model-4',
           output_dir=poses)
    eval_pose.main(['--pred_dir=' + poses, '--gtruth_poses=%s/poses/09.txt' % synthetic_kitti])
    with open(os.path.join(poses, 'eval_pose.json')) as stream:
        expected = json.load(stream)['ate_mean']
    row = rows_of(rigid_run, 'validation')[-1]
    assert (row['step'], row['metric_name']) == (4, 'pose_ate')
    assert row['metric'] == row['measured']['pose_ate'] == pytest.approx(expected, rel=1e-4)
    assert scalars_of(rigid_run)[4, 'validation/pose_ate'] == pytest.approx(row['metric'])
    assert row['total'] == pytest.approx(sum(row['losses'].values()))


def write_formatted(folder, drives):
    """A formatted set of {drive: number of examples} in both lists; example n has fx 100 + n."""
    lines = []
    for drive, count in drives.items():
        (folder / drive).mkdir(parents=True)
        for number in range(count):
            images.write_jpeg(str(folder / drive / ('%06d.jpg' % number)),
                              np.full([32, 3 * 104, 3], 20 * len(lines), np.uint8), 100)
            (folder / drive / ('%06d_cam.txt' % number)).write_text(
                '%d,0,52,0,50,16,0,0,1' % (100 + len(lines)))
            lines.append('%s %06d\n' % (drive, number))
    for name in ('train', 'val'):
        (folder / (name + '.txt')).write_text(''.join(lines))
    return str(folder)


def test_each_validation_reads_the_same_examples_of_every_held_out_drive(tmp_path):
    formatted = write_formatted(tmp_path, {'a': 6, 'b': 3, 'c': 1})
    run = RunConfig(dataset_dir=formatted, eval_every=1, eval_batches=3, batch_size=2)
    with tf.Graph().as_default(), tf.Session() as session:
        validation = train._validation(run, ModelConfig(img_height=32, img_width=104))
        iterator = tf.data.make_initializable_iterator(validation.make_dataset())
        batch = iterator.get_next()['intrinsics']
        reads = []
        for _ in range(2):
            session.run(iterator.initializer)
            reads.append([int(fx) - 100 for _ in range(validation.batches)
                          for fx in session.run(batch)[:, 0, 0]])
    # Six of ten: the one of c, and of five for two drives three of a (middles of pairs), two of b.
    assert reads == [[1, 3, 5, 6, 8, 9]] * 2
    assert validation.batches == 3
    assert validation.examples == '6 of 10 held-out examples, from 3 of 3 folders of drives'


def test_the_best_checkpoint_has_the_smallest_metric(rigid_run):
    rows = rows_of(rigid_run, 'validation')
    best = min(rows, key=lambda row: row['metric'])
    assert best['best']
    kept = values_of(os.path.join(rigid_run, 'model-best'))
    same = all(np.array_equal(value, kept[key]) for key, value in
               values_of(os.path.join(rigid_run, 'model-4')).items() if key in kept)
    assert same == (best['step'] == 4)


def test_a_run_resumes_with_frozen_batch_norm_weight_decay_and_another_image_size(
        rigid_run, synthetic_kitti, tmp_path):
    folder, size = str(tmp_path / 'run'), ('--img_height=48', '--img_width=128')
    shutil.copytree(rigid_run, folder)
    train_rigid(prepared_set(synthetic_kitti, tmp_path / 'set', *size), folder, 5, *size,
                '--freeze_batch_norm', l2_weight=2)
    flags = rows_of(folder, 'resume')[-1]['changed']
    assert flags['model.img_height'] == [32, 48] and flags['model.img_width'] == [104, 128]
    before, after = values_of(folder + '/model-4'), values_of(folder + '/model-5')
    averages = {name for name in after if 'BatchNorm/moving_' in name}
    changed = {name for name in after if not np.array_equal(before[name], after[name])}
    assert averages and not averages & changed
    assert {'depth_net/Conv/weights', 'pose_net/Conv/BatchNorm/beta'} <= changed
    decay = sum(np.sum(value ** 2.) for name, value in before.items() if name.endswith('/weights'))
    row = rows_of(folder, 'train')[-1]
    assert row['step'] == 5
    assert row['losses']['l2'] == pytest.approx(2 * 1e-4 * decay / 2, rel=1e-4)


def test_flow_validation_reports_the_errors_of_eval_flow(flow_run, synthetic_2015, tmp_path):
    flow = str(tmp_path / 'flow')
    geonet('test_flow', dataset_dir=synthetic_2015, init_ckpt_file=flow_run, output_dir=flow)
    eval_flow.main(['--dataset_dir=' + synthetic_2015, '--pred_dir=' + flow])
    with open(os.path.join(flow, 'eval_flow.json')) as stream:
        expected = json.load(stream)['occ']['prediction']
    measured = rows_of(flow_run, 'validation')[-1]['measured']
    assert measured['flow_epe'] == pytest.approx(expected['epe'], rel=1e-5)
    assert measured['flow_fl'] == pytest.approx(expected['fl'], abs=1e-3)


def test_residual_flow_trains_only_flow_net(rigid_run, residual_run):
    before, after = values_of(rigid_run + '/model-4'), values_of(residual_run + '/model-1')
    frozen = [name for name in after if name.startswith(('depth_net', 'pose_net'))]
    assert frozen and not [name for name in frozen if 'Adam' in name]
    for name in frozen:
        np.testing.assert_array_equal(after[name], before[name], err_msg=name)
    assert [name for name in after if name.startswith('flow_net') and name.endswith('Adam')]


def test_residual_flow_requires_a_checkpoint_of_the_other_nets(
        flow_run, synthetic_formatted, tmp_path, capsys):
    flags = dict(dataset_dir=synthetic_formatted, checkpoint_dir=str(tmp_path / 'run'),
                 max_steps=1, flownet_type='residual')
    assert '--init_ckpt_file' in geonet_fails(capsys, 'train_flow', *SIZE, **flags)
    said = geonet_fails(capsys, 'train_flow', *SIZE, init_ckpt_file=flow_run, **flags)
    assert 'variables: all of depth_net, all of pose_net' in said


def test_another_model_in_the_same_folder_is_refused(rigid_run, synthetic_formatted, capsys):
    said = geonet_fails(capsys, 'train_rigid', *SIZE, '--scale_normalize', max_steps=9,
                        dataset_dir=synthetic_formatted, checkpoint_dir=rigid_run)
    assert 'scale_normalize: was false, is true' in said


CENTRED, ONE_CAMERA = '--half_pixel_centers', '--canonical_camera=0.58,1.92,0.49,0.48'


def prepared_set(kitti, folder, *flags):
    """A formatted set of sequence 00, prepared with these flags."""
    prepare_train_data.main([*SIZE, *flags, '--dataset_dir=' + kitti, '--sequences=0',
                             '--dump_root=' + str(folder)])
    return str(folder)


@pytest.mark.parametrize('prepared, flags, warned', [
    ((), (), False), ((), (CENTRED,), True), ((), (CENTRED, ONE_CAMERA), False),
    ((CENTRED,), (CENTRED,), False), ((CENTRED,), (), True)])
def test_pixel_centres_that_differ_from_the_camera_files_cause_a_warning(
        synthetic_kitti, tmp_path, capsys, monkeypatch, prepared, flags, warned):
    tasks = []
    monkeypatch.setattr(train, 'train', lambda task, runtime: tasks.append(task))
    train_rigid(prepared_set(synthetic_kitti, tmp_path / 'set', *prepared),
                str(tmp_path / 'run'), 1, *flags)
    assert len(tasks) == 1
    assert ('half a pixel off' in capsys.readouterr().err) == warned


def test_both_nets_train_with_centred_pixels_and_one_camera_for_all(
        rigid_run, synthetic_kitti, tmp_path):
    folder = str(tmp_path / 'run')
    train_rigid(prepared_set(synthetic_kitti, tmp_path / 'set', CENTRED), folder, 1, CENTRED,
                ONE_CAMERA, '--freeze_batch_norm', init_ckpt_file=rigid_run)
    assert np.isfinite(rows_of(folder, 'train')[0]['total'])
    before, after = values_of(rigid_run + '/model-4'), values_of(folder + '/model-1')
    for name in ('depth_net/Conv/weights', 'pose_net/Conv/weights'):
        assert not np.array_equal(before[name], after[name])


def test_missing_ground_truth_is_reported_before_training(
        synthetic_formatted, synthetic_kitti, tmp_path, capsys):
    flags = dict(dataset_dir=synthetic_formatted, checkpoint_dir=str(tmp_path / 'run'),
                 eval_dataset_dir=synthetic_kitti)
    assert '--eval_every' in geonet_fails(capsys, 'train_rigid', *SIZE, **flags)
    said = geonet_fails(capsys, 'train_rigid', *SIZE, eval_every=1, pose_test_seq=4, **flags)
    assert os.path.join('sequences', '04') in said
    said = geonet_fails(capsys, 'train_flow', *SIZE, eval_every=1, flownet_type='direct', **flags)
    assert 'flow_occ' in said and 'KITTI 2015' in said


def test_no_held_out_example_counts_twice(synthetic_formatted, tmp_path):
    formatted = tmp_path / 'set'
    shutil.copytree(synthetic_formatted, str(formatted))
    (formatted / 'prepared.json').unlink()  # it counts the lines of the list
    lines = (formatted / 'train.txt').read_text().splitlines()
    (formatted / 'val.txt').write_text('\n'.join(lines[:5]) + '\n')
    run = RunConfig(dataset_dir=str(formatted), batch_size=2, eval_every=1, eval_batches=9)
    validation = train._validation(run, ModelConfig(img_height=32, img_width=104))
    assert validation.batches == 2
    assert validation.examples.startswith('4 of 5 held-out examples')
