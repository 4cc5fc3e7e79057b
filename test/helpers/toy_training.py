"""A model of a few variables and its data, for the tests of the training loop."""
import dataclasses
import pathlib

import tensorflow.compat.v1 as tf

from npu_runtime.devices.flags import RuntimeConfig
from npu_runtime.training.flags import TrainFlags, architecture
from npu_runtime.training.loop import train
from npu_runtime.training.metrics import read_metrics
from npu_runtime.training.task import TrainingOutput, TrainingTask

ONE_THREAD = dict(device='cpu', intra_op_threads=1, inter_op_threads=1)


@dataclasses.dataclass
class ToyConfig:
    """A model's configuration: what a run cannot change, and what it can."""
    size: int = architecture(4, 'of the weights')
    weight: float = 0.1


def linear_model(batch, is_training):
    """Linear regression to 1 with a term on the weights and a batch-norm-like average."""
    with tf.variable_scope('net'):
        weights = tf.get_variable('weights', [4, 1], initializer=tf.glorot_uniform_initializer())
        average = tf.get_variable('average', [], trainable=False,
                                  initializer=tf.zeros_initializer())
    if is_training:
        with tf.name_scope('net/'):
            update = tf.assign(average, 0.9 * average + 0.1 * tf.reduce_mean(batch))
        tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, update)
    error = tf.matmul(batch, weights) - 1.
    losses = {'fit': tf.reduce_mean(error ** 2), 'size': 0.1 * tf.reduce_sum(weights ** 2)}
    return TrainingOutput(losses, {'batch': batch[tf.newaxis, :, :, tf.newaxis]})


def linear_model_with(name, loss):
    """`linear_model` with another loss, the function `loss` of the batch."""
    def model(batch, is_training):
        output = linear_model(batch, is_training)
        output.losses[name] = loss(batch)
        return output
    return model


# Has an infinite gradient and a finite loss at a batch of zeros.
kinked_model = linear_model_with('kink', lambda batch: tf.reduce_sum(tf.sqrt(tf.abs(
    tf.matmul(batch, tf.trainable_variables()[0])))))


def at_step(number, act):
    """A `log_line` that calls `act` after the step of that number."""
    def line(step, row):
        if step == number:
            act()
        return 'step %d' % step
    return line


def random_batches(start_step, rank, size):
    """Batches [2, 4] that depend only on their number and the rank."""
    return tf.data.Dataset.range(start_step, 10 ** 9).map(
        lambda step: tf.random.stateless_uniform([2, 4], [7, step * size + rank])).prefetch(1)


def zeros_at(*numbers):
    """Data whose batches of these numbers, from 0, are zeros: there `kinked_model` overflows."""
    def data(start_step, rank, size):
        del rank, size
        return tf.data.Dataset.range(start_step, 1000).map(lambda number: tf.where(
            tf.reduce_any(tf.equal(number, numbers)), tf.zeros([2, 4]),
            tf.random.stateless_uniform([2, 4], [3, number])))
    return data


def toy_task(folder, max_steps, model=linear_model, data=random_batches, config=None,
             save_every=5, **options):
    """The TrainingTask of the toy; keyword arguments are its fields and those of TrainFlags."""
    flags = dict(batch_size=2, learning_rate=0.01, log_freq=1, summary_freq=0, max_to_keep=3,
                 save_minutes=0)
    names = {field.name for field in dataclasses.fields(TrainFlags)}
    flags.update({name: options.pop(name) for name in list(options) if name in names})
    return TrainingTask(model, data, TrainFlags(**flags), {'model': config or ToyConfig()},
                        str(folder), max_steps, save_every, **options)


def run_toy(folder, max_steps, runtime=None, **options):
    """Trains the toy in `folder`; keyword arguments as for `toy_task`."""
    return train(toy_task(folder, max_steps, **options),
                 RuntimeConfig(**(runtime or ONE_THREAD)))


def rows_of(folder, event):
    """The rows of an event in the metrics.jsonl of a folder."""
    return [row for row in read_metrics(folder) if row['event'] == event]


def train_rows(folder):
    """The training rows of metrics.jsonl."""
    return rows_of(folder, 'train')


def totals(folder):
    """The total loss of each logged step."""
    return [row['total'] for row in train_rows(folder)]


def losses_of(folder):
    """[(step, total loss)] of each logged step."""
    return [(row['step'], row['total']) for row in train_rows(folder)]


def summaries(folder):
    """[(step, <Summary.Value>)] in TensorBoard's files."""
    return [(event.step, value) for path in sorted(pathlib.Path(str(folder)).glob('events.*'))
            for event in tf.train.summary_iterator(str(path)) for value in event.summary.value]
