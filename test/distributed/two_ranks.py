"""What each of two ranks does; started by horovodrun: two_ranks.py <case> <folder>."""
import os
import signal
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [ROOT, os.path.join(ROOT, 'test', 'helpers')]

from npu_runtime.engine import start_tensorflow  # noqa: E402

start_tensorflow()  # before TensorFlow is used: it decides how 2.x builds graphs

import tensorflow.compat.v1 as tf  # noqa: E402

from convlstm_vo import main as convlstm_vo  # noqa: E402
from geonet_program import ONE_THREAD, SIZE, geonet  # noqa: E402
from toy_training import linear_model, run_toy  # noqa: E402
from vo_common.errors import UserError, run_main  # noqa: E402
from vo_common.files import write_json  # noqa: E402

# Of Adam, whose first steps have this size in every weight.
RATE = 2e-5
RANK = int(os.environ.get('HOROVOD_RANK', 0))


def share_of_four(start_step, rank, size):
    """The rank's share of batches of 4, which are the same whatever the number of ranks."""
    share = 4 // size
    return tf.data.Dataset.range(start_step, 10 ** 9).map(
        lambda step: tf.random.stateless_uniform([4, 4], [7, step])[
            rank * share:(rank + 1) * share])


def summed_model(batch, is_training):
    """The losses of the toy, summed over the examples of a batch; no terms without examples."""
    output = linear_model(batch, is_training)
    examples = tf.cast(tf.shape(batch)[0], tf.float32)
    return output._replace(losses={'fit': output.losses['fit'] * examples}, images={})


def mean_model(batch, is_training):
    """The toy without images, whose shape is that of a batch of 2."""
    return linear_model(batch, is_training)._replace(images={})


def train(folder, steps, model=mean_model, **options):
    """Trains the toy on the shares of four."""
    run_toy(folder, steps, model=model, data=share_of_four, **options)


def nan_on_rank_1(start_step, rank, size):
    return tf.data.Dataset.range(start_step, 100).map(lambda step: tf.fill([2, 4], tf.where(
        tf.logical_and(tf.equal(step, 6), rank == 1), float('nan'), 1.)))


def averages(folder):
    train(os.path.join(folder, 'mean'), 5)
    train(os.path.join(folder, 'sum'), 5, summed_model, loss_is_sum=True)
    # Each rank has its own first weights, so only rank 0's can give the losses of one process.
    train(os.path.join(folder, 'seeds'), 5, seed=1 + RANK)
    for steps in (3, 5):
        train(os.path.join(folder, 'scaled'), steps,
              runtime=dict(device='cpu', loss_scale='dynamic'))
    train(os.path.join(folder, 'rate'), 1,
          runtime=dict(device='cpu', learning_rate_scaling=True))


def geonet_run(folder, batch_size, steps):
    """Steps of GeoNet with batch norm out of the picture, on `<folder>/formatted`."""
    geonet('train_rigid', *SIZE, '--freeze_batch_norm', '--noshuffle', batch_size=batch_size,
           learning_rate=RATE, dataset_dir=os.path.join(folder, 'formatted'), max_steps=steps,
           log_freq=1, checkpoint_dir=os.path.join(folder, 'geonet%d_%d' % (batch_size, steps)))


def convlstm_run(folder, batch_size, steps):
    """Steps of the ConvLSTM on sequence 00 of `<folder>/kitti`."""
    convlstm_vo.main([
        '--mode=train', *ONE_THREAD, *SIZE, '--noshuffle', '--camera=2', '--bsize=%d' % batch_size,
        '--datapath=' + os.path.join(folder, 'kitti'), '--train_sequences=0', '--val_sequences=',
        '--outputpath=' + os.path.join(folder, 'convlstm%d_%d' % (batch_size, steps)),
        '--time_steps=2', '--learning_rate=%g' % RATE, '--total_steps=%d' % steps])


def models(folder):
    for run in (geonet_run, convlstm_run):
        for steps in (1, 5):
            run(folder, 2, steps)


def signal_in_the_data(number, at, on_rank):
    """The shares, with a signal to the process of `on_rank` when it reads batch `at`."""
    def send(step):
        if step == at:
            os.kill(os.getpid(), number)
        return step

    def data(start_step, rank, size):
        numbers = tf.data.Dataset.range(start_step, 10 ** 9)
        if rank == on_rank:
            numbers = numbers.map(lambda step: tf.numpy_function(send, [step], tf.int64))
        return tf.data.Dataset.zip((share_of_four(start_step, rank, size), numbers)).map(
            lambda batch, step: batch)
    return data


def stops(folder):
    endings = {}
    try:
        run_toy(os.path.join(folder, 'nan'), 17, data=nan_on_rank_1)
    except UserError as error:
        endings['nan'] = str(error)
    try:
        run_toy(os.path.join(folder, 'term'), 10 ** 6, model=mean_model,
                data=signal_in_the_data(signal.SIGTERM, 7, on_rank=1), log_line=lambda *_: 'step')
    except SystemExit as error:
        endings['term'] = error.code
    write_json(os.path.join(folder, 'endings%d.json' % RANK), endings)


def dies(folder):
    run_toy(folder, 10 ** 6, model=mean_model,
            data=signal_in_the_data(signal.SIGKILL, 12, on_rank=1), log_line=lambda *_: 'step')


if __name__ == '__main__':
    os.makedirs(sys.argv[2], exist_ok=True)
    run_main(lambda: globals()[sys.argv[1]](sys.argv[2]))
