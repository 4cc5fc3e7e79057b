"""The training loop where something goes wrong: what it says, and what stays usable."""
import os
import resource

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from checkpoint_values import values_of
from common.errors import UserError
from npu_runtime import checkpoints
from npu_runtime.training.metrics import read_metrics
from toy_training import linear_model, losses_of, random_batches, run_toy


def test_resuming_passes_over_a_damaged_checkpoint_and_says_so(tmp_path, capsys):
    run_toy(tmp_path / 'whole', 17)
    folder = tmp_path / 'damaged'
    run_toy(folder, 10)
    data = str(folder / 'model-10.data-00000-of-00001')
    with open(data, 'r+b') as stream:
        stream.seek(-8, os.SEEK_END)
        stream.write(b'\xff' * 8)
    results = run_toy(folder, 17)
    assert 'model-10 is damaged' in capsys.readouterr().err
    assert losses_of(folder) == losses_of(tmp_path / 'whole')
    assert results['step'] == 17


def test_a_truncated_index_is_passed_over(tmp_path, capsys):
    run_toy(tmp_path, 10)
    with open(str(tmp_path / 'model-10.index'), 'r+b') as stream:
        stream.truncate(20)
    assert run_toy(tmp_path, 11)['step'] == 11
    assert 'model-10' in capsys.readouterr().err
    assert [row['step'] for row in read_metrics(tmp_path) if row['event'] == 'resume'] == [5]


def test_a_folder_with_nothing_but_damaged_checkpoints_is_not_trained_over(tmp_path):
    run_toy(tmp_path, 5)
    with open(str(tmp_path / 'model-5.index'), 'r+b') as stream:
        stream.truncate(20)
    with pytest.raises(UserError, match='none of the 1 checkpoints .* usable'):
        run_toy(tmp_path, 10)


def exploding_data(start_step, rank, size):
    return tf.data.Dataset.range(start_step, 1000).map(
        lambda step: tf.fill([2, 4], tf.where(tf.equal(step, 6), float('nan'), 1.)))


def test_a_loss_that_is_not_finite_stops_and_names_term_and_step(tmp_path):
    with pytest.raises(UserError, match=r'step 7: .* in fit \(nan\)'):
        run_toy(tmp_path, 17, data=exploding_data)
    assert checkpoints.read_step(checkpoints.latest(str(tmp_path))) == 5
    assert np.isfinite(values_of(checkpoints.latest(str(tmp_path)))['net/weights']).all()


def test_weights_spoilt_behind_a_finite_loss_are_not_saved(tmp_path):
    def model(batch, is_training):
        output = linear_model(batch, is_training)
        # sqrt has an infinite slope at zero: the loss stays finite, the gradient does not.
        step = tf.cast(tf.train.get_global_step(), tf.float32)
        weights = tf.trainable_variables()[0]
        output.losses['kink'] = tf.sqrt(tf.reduce_sum(tf.maximum(4. - step, 0.) * weights ** 2))
        return output
    with pytest.raises(UserError, match=r'model-5 not written.*net/weights'):
        run_toy(tmp_path, 17, model=model)
    assert not checkpoints.newest_in(str(tmp_path))


def test_a_full_disk_says_so_and_leaves_the_earlier_checkpoint(tmp_path):
    def big_model(batch, is_training):
        output = linear_model(batch, is_training)
        ballast = tf.get_variable('ballast', [50000], initializer=tf.zeros_initializer())
        output.losses['ballast'] = tf.reduce_sum(ballast ** 2)
        return output
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def no_room_from_step_7(record):
        if record.step == 7:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100000, limits[1]))
        return ''
    try:
        with pytest.raises(UserError, match='cannot write checkpoint .*model-10.* before are'):
            run_toy(tmp_path, 17, model=big_model, log_line=no_room_from_step_7)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    state = tf.train.get_checkpoint_state(str(tmp_path))
    assert os.path.basename(state.model_checkpoint_path) == 'model-5'
    assert not [name for name in os.listdir(str(tmp_path)) if 'temp' in name]
    assert run_toy(tmp_path, 11, model=big_model)['step'] == 11


def test_an_output_folder_that_cannot_be_is_refused_before_the_model_is_built(tmp_path):
    (tmp_path / 'file').write_text('')

    def no_model(batch, is_training):
        pytest.fail('built')
    with pytest.raises(UserError, match='file'):
        run_toy(tmp_path / 'file' / 'out', 3, model=no_model)


def test_data_that_end_too_early_are_an_error(tmp_path):
    with pytest.raises(UserError, match='ended after step 4 of 17'):
        run_toy(tmp_path, 17, data=lambda *where: random_batches(*where).take(4))


def broken_data(start_step, rank, size):
    return random_batches(start_step, rank, size).map(
        lambda batch: tf.debugging.check_numerics(batch / 0., 'pixels of 000003.png'))


@pytest.mark.parametrize('explanation,message', [
    ('broken file: 000003.png', '^broken file: 000003.png$'),
    (None, '^cannot read the training data: pixels of 000003.png')])
def test_an_input_error_is_explained_as_the_caller_can(tmp_path, explanation, message):
    with pytest.raises(UserError, match=message):
        run_toy(tmp_path, 3, data=broken_data, explain_input_error=lambda error: explanation)


def test_an_error_that_the_loader_explains_keeps_its_words(tmp_path):
    def read(batch):
        raise UserError('000003.png is truncated')

    def data(start_step, rank, size):
        return random_batches(start_step, rank, size).map(
            lambda batch: tf.reshape(tf.numpy_function(read, [batch], tf.float32), [2, 4]))
    with pytest.raises(UserError, match='^000003.png is truncated$'):
        run_toy(tmp_path, 3, data=data)


def test_out_of_memory_is_explained(tmp_path):
    def greedy_model(batch, is_training):
        output = linear_model(batch, is_training)
        size = tf.cast(1e7 + batch[0, 0], tf.int32)
        output.losses['huge'] = tf.reduce_sum(tf.zeros([size, size, 100]))
        return output
    with pytest.raises(UserError, match='out of memory.*--batch_size'):
        run_toy(tmp_path, 3, model=greedy_model)
