"""The shell wrappers: their commands, result files and exit status.

The last test runs the chain of the recipe, on rendered sequences. The others, of several ranks and
of flags, put a stand-in for the training programs in the place of Python.
"""
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

import repository
from repository import ROOT
from stand_in_programs import commands_in, stand_in

DEVICE_ID = '97'  # of the results folder, apart from those of real runs
FIELDS = ['Network', 'RankSize', 'BatchSize', 'DeviceType', 'CaseName', 'ActualFPS',
          'TrainingTime', 'ActualLoss', 'E2ETrainingTime', 'TrainAccuracy']


@pytest.fixture
def wrapper(tmp_path):
    """Function that runs a wrapper with the stand-in; its result has `commands` and `results`."""
    record = tmp_path / 'record'
    results = ROOT / 'test' / 'output' / DEVICE_ID

    def start(script, *arguments, **environment):
        record.write_text('')
        program = [sys.executable] if script.endswith('.py') else ['bash']
        return subprocess.Popen(
            program + [str(ROOT / 'test' / script)] + list(arguments), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, universal_newlines=True, cwd=str(tmp_path),
            env=dict(os.environ, **stand_in(tmp_path, record), ASCEND_DEVICE_ID=DEVICE_ID,
                     **environment))

    def run(*arguments, **environment):
        process = start(*arguments, **environment)
        process.out, process.err = process.communicate()
        process.commands = commands_in(record)
        process.results = results
        return process
    run.start, run.record = start, record
    yield run
    shutil.rmtree(str(results), ignore_errors=True)


@pytest.fixture
def odometry(tmp_path):
    folder = tmp_path / 'my kitti'
    for sequence in ('00', '02', '09'):
        (folder / 'sequences' / sequence / 'image_2').mkdir(parents=True)
    (folder / 'poses').mkdir()
    (folder / 'poses' / '09.txt').touch()
    (folder / 'sequences' / '09' / 'times.txt').touch()
    return str(folder)


@pytest.fixture
def flags(odometry, tmp_path):
    """Flags of a wrapper that reads `odometry`."""
    return ['--data_path=' + odometry, '--output_path=%s' % (tmp_path / 'out')]


def flags_of(command):
    return dict(word.lstrip('-').split('=', 1) for word in command if '=' in word)


def read_log(path):
    return dict(line.split(' = ') for line in path.read_text().splitlines())


@pytest.mark.parametrize('evaluated', ['ckpt/model-185000', 'ckpt'])
def test_the_published_layout_is_taken_as_it_is(wrapper, tmp_path, evaluated):
    stage = tmp_path / 'stageone'
    for folder in ('train', 'test/sequences/09/image_2', 'eval/09_snippets'):
        (stage / folder).mkdir(parents=True)
    (stage / 'test' / 'sequences' / '09' / 'times.txt').touch()
    (tmp_path / 'out' / 'ckpt').mkdir(parents=True)
    (tmp_path / 'out' / (evaluated + '.index')).touch()  # the recipe's step, or none is kept
    ended = wrapper('train_full_1p.sh', '--data_path=' + str(tmp_path),
                    '--output_path=' + str(tmp_path / 'out'))
    assert ended.returncode == 0, ended.err
    train, test, evaluate, _ = ended.commands
    assert flags_of(train)['dataset_dir'] == str(stage / 'train')
    assert (flags_of(train)['max_steps'], flags_of(train)['batch_size']) == ('210100', '4')
    assert flags_of(test)['init_ckpt_file'] == str(tmp_path / 'out' / evaluated)
    assert flags_of(evaluate)['gtruth_dir'] == str(stage / 'eval' / '09_snippets') + '/'


def test_the_performance_case_only_trains(wrapper, flags):
    ended = wrapper('train_performance_1p.sh', *flags, '--extra=--l2_weight=0.1\n--noshuffle')
    assert ended.returncode == 0, ended.err
    assert [command[0].split('/')[-1] for command in ended.commands] == [
        'prepare_train_data.py', 'main.py', 'report_case.py']
    assert flags_of(ended.commands[1])['l2_weight'] == '0.1' and '--noshuffle' in ended.commands[1]
    assert read_log(ended.results / 'GeoNet_bs4_1p_perf.log')['TrainAccuracy'] == 'none'


def test_the_convlstm_is_tested_on_a_sequence_outside_training(wrapper, flags):
    ended = wrapper('train_full_1p.sh', '--model=convlstm_vo', *flags, '--train_steps=3')
    assert ended.returncode == 0, ended.err
    train, test, _ = ended.commands
    assert flags_of(train)['train_sequences'] == '00,02' and flags_of(train)['bsize'] == '32'
    assert flags_of(train)['total_steps'] == '3' and flags_of(train)['camera'] == '2'
    assert flags_of(test)['test_sequences'] == '09'
    assert read_log(ended.results / 'ConvLSTM_bs32_1p_acc.log')['TrainAccuracy'] == '16.0500'


@pytest.mark.parametrize('script, arguments, message', [
    ('train_full_1p.sh', (), '--data_path is missing'),
    ('train_full_1p.sh', ('--data_path=/nowhere',), '--data_path=/nowhere is not a folder'),
    ('train_full_1p.sh', ('--data_path=.', '--train_steps=many'),
     '--train_steps=many: must be a whole number'),
    ('train_full_1p.sh', ('--data_path=.', '--train_step=3'), 'flag --train_step is unknown'),
    ('train_full_1p.sh', ('--data_path=.', '--model=alexnet'), 'must be geonet or convlstm_vo'),
    ('train_full_1p.sh', ('--data_path=.',), 'must contain train/'),
    ('train_performance_1p.sh', ('--data_path=.', '--extra=--noshuffle --bsize=16'),
     'must not set --bsize, which a flag of this script sets'),
    ('train_performance_1p.sh', ('--data_path=.', '--extra=--checkpoint_dir=elsewhere'),
     'must not set --checkpoint_dir'),
    ('train_full_8p.sh', ('--data_path=my kitti', '--output_path=out'),
     'RANK_TABLE_FILE is not set')])
def test_wrong_arguments_are_reported_with_status_2(wrapper, odometry, script, arguments, message):
    ended = wrapper(script, *arguments)
    assert ended.returncode == 2 and message in ended.err


def test_a_wrapper_exits_with_the_status_of_a_failed_training(wrapper, flags):
    ended = wrapper('train_full_1p.sh', *flags, FAIL_RANK='0')
    assert ended.returncode == 2
    assert 'no luck' in ended.err and 'Final result' not in ended.out


@pytest.mark.parametrize('received', [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_reaches_the_program_and_decides_the_status(wrapper, flags, received):
    process = wrapper.start('train_performance_1p.sh', *flags, WAIT='1')
    for _ in range(100):
        if 'waiting' in wrapper.record.read_text():
            break
        time.sleep(0.1)
    process.send_signal(received)
    process.communicate()
    assert process.returncode == 128 + received
    assert 'stopped' in wrapper.record.read_text()


def test_every_rank_has_its_own_folder_and_relative_paths_are_resolved(wrapper, odometry, tmp_path):
    ended = wrapper('train_full_8p.sh', '--data_path=my kitti', '--train_steps=5',
                    '--output_path=out', '--extra=--init_ckpt_file=runs/a/model-5 --l2_weight=0.1 '
                    '--npu_options=dump_step=5,dump_path=runs/dump,work_path=/w '
                    '--npu_options profiling_fp_point=net/Conv2D,profiling_path=prof/x',
                    RANK_SIZE='3', RANK_TABLE_FILE='table.json',
                    CM_WORKER_SIZE='8', CM_CHIEF_IP='10.0.0.1')  # of another launch method
    assert ended.returncode == 0, ended.err
    trainings = [command for command in ended.commands if '--mode=train_rigid' in command]
    assert sorted(command[-1] for command in trainings) == ['rank=0', 'rank=1', 'rank=2']
    assert [(ended.results / ('rank_%d' % rank) / 'check_result.tf.json').read_text()
            for rank in range(3)] == [
        'rank %d of %s/table.json\n' % (rank, tmp_path) for rank in range(3)]
    for command in trainings:
        flags = flags_of(command)
        assert flags['init_ckpt_file'] == str(tmp_path / 'runs' / 'a' / 'model-5')
        assert flags['checkpoint_dir'] == str(tmp_path / 'out' / 'ckpt')
        assert flags['l2_weight'] == '0.1'
        assert flags['npu_options'] == (
            'dump_step=5,dump_path=%s/runs/dump,work_path=/w' % tmp_path)
        assert command[command.index('--npu_options') + 1] == (
            'profiling_fp_point=net/Conv2D,profiling_path=%s/prof/x' % tmp_path)
    fields = read_log(ended.results / 'GeoNet_bs4_3p_acc.log')  # one for all ranks
    assert fields['RankSize'] == '3' and fields['ActualFPS'] == '24.00'


def test_a_failed_rank_ends_the_others_and_the_case(wrapper, odometry, tmp_path):
    ended = wrapper('train_performance_8p.sh', '--data_path=' + odometry, FAIL_RANK='1', WAIT='1',
                    RANK_SIZE='3', RANK_TABLE_FILE='t',
                    MODELARTS_MODEL_PATH=str(tmp_path / 'kept'))
    assert ended.returncode == 2
    assert sum(command[0] == 'stopped' for command in ended.commands) == 2
    assert 'rank 1: error: no luck' in ended.out and 'Final result' not in ended.out
    assert 'no luck' in (tmp_path / 'kept' / DEVICE_ID / 'rank_1.log').read_text()


def test_ranks_that_all_end_at_once_fail_the_case(wrapper, odometry, tmp_path):
    for _ in range(5):  # it was a race
        ended = wrapper('train_performance_8p.sh', '--data_path=' + odometry, FAIL_RANK='all',
                        RANK_SIZE='16', RANK_ID_START='8', RANK_TABLE_FILE='t')
        assert ended.returncode == 2


@pytest.mark.parametrize('start', ['abc', '3', '-1', '08'])
def test_a_first_rank_outside_the_job_is_refused(wrapper, odometry, start):
    ended = wrapper('train_performance_8p.sh', '--data_path=' + odometry, RANK_SIZE='3',
                    RANK_ID_START=start, RANK_TABLE_FILE='t')
    assert ended.returncode == 2 and not ended.commands
    assert 'RANK_ID_START=%s in the environment: must be 0 to 2' % start in ended.err


def test_results_that_cannot_be_kept_fail_the_case(wrapper, flags, tmp_path):
    (tmp_path / 'kept').touch()
    ended = wrapper('train_performance_1p.sh', *flags, CDPATH='.', HOME=str(tmp_path),
                    MODELARTS_MODEL_PATH='~/kept')
    assert ended.returncode == 2 and 'Final result' in ended.out


def test_the_recipe_runs_through_the_modelarts_entry(synthetic_kitti, tmp_path):
    output = tmp_path / 'model arts'
    results = ROOT / 'test' / 'output' / DEVICE_ID
    try:
        ended = repository.run(
            'test/modelarts_entry_acc.py', '--data_url=' + synthetic_kitti,
            '--train_url=' + str(output), '--train_steps=2', '--batch_size', '1', '--img_height=32',
            '--img_width=104', '--device=cpu', '--extra=--dispnet_encoder=vgg',
            ASCEND_DEVICE_ID=DEVICE_ID)
        assert ended.returncode == 0, ended.stderr[-2000:]
        kept = output / DEVICE_ID
        fields = read_log(kept / 'GeoNet_bs1_1p_acc.log')
    finally:
        shutil.rmtree(str(results), ignore_errors=True)
    prepare, train, test, evaluate, _ = [
        line + ' ' for line in ended.stdout.splitlines() if line.startswith('+ ')]
    assert ' --sequences=00 ' in prepare and ' --img_width=104 ' in prepare
    for flag in ('--mode=train_rigid', '--dataset_dir=%s/formatted' % output, '--batch_size=1',
                 '--checkpoint_dir=%s/ckpt' % output, '--learning_rate=0.00001', '--seq_length=3',
                 '--max_steps=2', '--img_height=32', '--img_width=104', '--log_freq=1'):
        assert ' %s ' % flag in train
    assert ' --init_ckpt_file=%s/ckpt ' % output in test
    assert ' --gtruth_poses=%s/poses/09.txt ' % synthetic_kitti in evaluate
    assert list(fields) == FIELDS
    assert float(fields['TrainAccuracy']) > 0 and float(fields['ActualFPS']) > 0
    losses = (kept / 'GeoNet_bs1_1p_acc_loss.txt').read_text().split()
    assert losses and losses[-1] == fields['ActualLoss']
    assert len(list((output / 'pose').glob('[0-9]*.txt'))) == 10
    block = ended.stdout[ended.stdout.index('Final result'):].splitlines()[1:]
    assert [line.split(' : ')[0] for line in block] == [
        'Final Performance images/sec', 'Final Performance sec/step',
        'E2E Training Duration sec', 'Final Train Accuracy']
    assert block[-1] == 'Final Train Accuracy : ' + fields['TrainAccuracy']
    assert train.strip() in (kept / ('train_%s.log' % DEVICE_ID)).read_text()


@pytest.mark.parametrize('missing', ['sequences/09', 'poses/09.txt', 'sequences/09/times.txt'])
def test_what_the_evaluation_lacks_is_reported_before_the_training(
        wrapper, odometry, flags, missing):
    path = os.path.join(odometry, missing)
    shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
    ended = wrapper('train_full_1p.sh', *flags)
    assert ended.returncode == 2 and missing.split('/')[1] in ended.err and not ended.commands
