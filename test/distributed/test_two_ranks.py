"""Two processes under Horovod: the same training as one, and one end for both.

Needs `scripts/install_horovod.sh`; `make test-distributed` runs it first.
"""
import os
import sys
import time

import numpy as np
import pytest

import two_ranks
from checkpoint_values import values_of
from geonet_program import SIZE
from kitti_data.preparation import prepare_train_data
from kitti_data.example_list import read_example_list
from kitti_data.rendering.synthetic import synthetic_dataset
from npu_runtime import checkpoints
from npu_runtime.training.metrics import read_metrics
from repository import run
from toy_training import totals
from vo_common.files import read_json

pytest.importorskip('horovod.tensorflow')


def launch(case, folder):
    """Runs `two_ranks.<case>(folder)` on two ranks: (status, what it printed)."""
    ended = run('scripts/train_multi.sh', '--np', '2', two_ranks.__file__, case, folder,
                timeout=900, PYTHON=sys.executable)
    return ended.returncode, ended.stdout + ended.stderr


def launched(case, folder):
    """Runs what must succeed; returns the folder."""
    status, said = launch(case, folder)
    assert status == 0, said[-3000:]
    return folder


def weights_in(folder):
    return values_of(checkpoints.latest(str(folder)))


@pytest.fixture(scope='module')
def averages(tmp_path_factory):
    return launched('averages', tmp_path_factory.mktemp('two'))


@pytest.mark.parametrize('name,model,is_sum', [('mean', two_ranks.mean_model, False),
                                               ('sum', two_ranks.summed_model, True)])
def test_two_ranks_of_batch_2_train_as_one_of_batch_4(averages, tmp_path, name, model, is_sum):
    two_ranks.train(tmp_path, 5, model, loss_is_sum=is_sum)
    np.testing.assert_allclose(totals(averages / name), totals(tmp_path), rtol=1e-5)
    expected = weights_in(tmp_path)
    for key, value in weights_in(averages / name).items():
        if key != 'net/average':  # a batch norm's average is that of rank 0's own batches
            np.testing.assert_allclose(value, expected[key], rtol=1e-5, atol=1e-8, err_msg=key)


@pytest.fixture(scope='module')
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp('models')
    kitti, formatted = str(folder / 'kitti'), str(folder / 'formatted')
    synthetic_dataset(kitti, ['00'], 28, 32, 104)  # more than the examples of five steps
    prepare_train_data.main(['--dataset_name=kitti_odom', '--dataset_dir=' + kitti,
                             '--dump_root=' + formatted, '--sequences=0', *SIZE])
    assert len(read_example_list(os.path.join(formatted, 'train.txt'))) >= 20
    return launched('models', folder)


@pytest.fixture(scope='module', params=[('geonet', two_ranks.geonet_run),
                                        ('convlstm', two_ranks.convlstm_run)],
                ids=['geonet', 'convlstm'])
def one_and_two(request, models):
    """Function of a number of steps, 1 or 5: the <pathlib.Path> of the run of one rank of batch 4
    and that of two ranks of batch 2."""
    name, run = request.param
    for steps in (1, 5):
        run(str(models), 4, steps)
    return lambda steps: [models / ('%s%d_%d' % (name, batch_size, steps))
                          for batch_size in (4, 2)]


def first_gradients(folder):
    """{variable: gradient of the first step}: Adam's first moment is a tenth of it after it."""
    return {key[:-len('/Adam')]: 10 * value for key, value in weights_in(folder).items()
            if key.endswith('/Adam')}


def test_both_models_have_the_first_loss_and_gradients_of_one_rank(one_and_two):
    """The mean over four examples and the mean of two means of two differ by rounding alone.
    A gradient is a sum over all pixels whose terms largely cancel, and a pixel that falls between
    two others on one side takes the other's slope. In one process, of GeoNet's gradients rounding
    made up to 9e-6 of the greatest with TensorFlow 2.21 and 9e-4 with 1.15; of two ranks with 1.15
    4e-5 in the median of the variables. A rank left out made 0.38 in the median."""
    one, two = one_and_two(1)
    assert len(totals(one)) == len(totals(two)) == 1
    np.testing.assert_allclose(totals(two), totals(one), rtol=1e-6)
    expected, found = first_gradients(one), first_gradients(two)
    assert len(expected) == len(found) > 10
    errors = {key: np.abs(found[key] - gradient).max() / np.abs(gradient).max()
              for key, gradient in expected.items()}
    assert np.median(list(errors.values())) <= 1e-3
    assert max(errors.values()) <= 5e-3, max(errors, key=errors.get)


def test_both_models_go_on_as_on_one_rank(one_and_two):
    """Adam's first steps have the size of the learning rate whatever the gradient. Of the few
    weights whose gradient is rounding some go apart, by up to twice that a step, and the losses
    after them by what those weights bring: at a rate of 2e-4 by up to 2.6e-4 with AVX2 kernels.
    With one rank's gradients alone, at that rate, 48 % go apart, and losses by 1e-2 to 0.16."""
    one, two = one_and_two(5)
    assert len(totals(one)) == len(totals(two)) == 5
    np.testing.assert_allclose(totals(two), totals(one), rtol=1e-4)
    expected, found = weights_in(one), weights_in(two)
    weights = [key for key in expected if 'Adam' not in key]
    apart = np.concatenate([np.abs(found[key] - expected[key]).ravel() for key in weights])
    assert np.mean(apart > two_ranks.RATE / 20) < 0.05


def test_every_rank_begins_with_the_weights_of_rank_0(averages, tmp_path):
    two_ranks.train(tmp_path, 5, seed=1)
    np.testing.assert_allclose(totals(averages / 'seeds'), totals(tmp_path), rtol=1e-5)


def test_a_checkpoint_of_two_scaled_ranks_goes_on_in_one_process_and_back(averages, tmp_path):
    two_ranks.train(tmp_path, 7)
    np.testing.assert_allclose(totals(averages / 'scaled'), totals(tmp_path)[:5], rtol=1e-5)
    two_ranks.train(averages / 'scaled', 7)
    np.testing.assert_allclose(totals(averages / 'scaled'), totals(tmp_path), rtol=1e-5)


def test_the_learning_rate_grows_with_the_ranks_only_where_asked(averages):
    rates = {name: read_metrics(averages / name)[1]['learning_rate'] for name in ('mean', 'rate')}
    assert rates['mean'] == pytest.approx(0.01) and rates['rate'] == pytest.approx(0.02)


def test_one_rank_writes(averages):
    files = os.listdir(str(averages / 'mean'))
    assert len([name for name in files if name.startswith('events.')]) == 1
    assert [row['event'] for row in read_metrics(averages / 'mean')].count('start') == 1


def test_both_ranks_end_together_on_nan_and_on_a_signal_to_one(tmp_path):
    _, said = launch('stops', tmp_path)
    endings = [read_json(str(tmp_path / ('endings%d.json' % rank))) for rank in (0, 1)]
    assert 'step 7: loss is not finite on another rank' in endings[0]['nan'], said[-3000:]
    assert 'step 7: loss is not finite on rank 1 of 2 in fit (nan)' in endings[1]['nan']
    assert checkpoints.read_step(checkpoints.latest(str(tmp_path / 'nan'))) == 5
    assert [ending['term'] for ending in endings] == [143, 143]
    stopped_at = read_metrics(tmp_path / 'term')[-1]
    assert stopped_at['reason'] == 'SIGTERM'
    assert checkpoints.read_step(checkpoints.latest(str(tmp_path / 'term'))) == stopped_at['step']


def test_a_killed_rank_ends_the_other_with_a_usable_checkpoint(tmp_path):
    """The launcher says it: the rank that is left may be killed before it can."""
    status, said = launch('dies', tmp_path)
    assert status != 0
    assert time.time() - read_metrics(tmp_path)[-1]['time'] < 60
    assert checkpoints.read_step(checkpoints.newest_in(str(tmp_path))) == 10
    errors = [line for line in said.splitlines() if line.startswith('error: rank ')]
    assert len(errors) == 1, said[-3000:]
    assert 'rank 1 was killed by SIGKILL' in errors[0]
    assert 'same command continues from the last checkpoint' in errors[0]
    assert 'Traceback' not in said
