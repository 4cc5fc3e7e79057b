"""The training step: the graph of loss, gradients and update, and the call that runs it."""
import re
import time
import typing

import tensorflow.compat.v1 as tf

from npu_runtime.devices import precision
from npu_runtime.devices.compilation import uses_xla
from npu_runtime.devices.host_gradients import convolutions_as_gradients
from npu_runtime.session import batch_iterator
from vo_common.errors import UserError

_RESERVED = ('total', 'learning_rate', 'loss_scale', 'stop')


def due(interval, before, step):
    """Whether a multiple of `interval` lies in (before, step]; an interval of 0 is never due."""
    return interval > 0 and step // interval > before // interval


class StepResult(typing.NamedTuple):
    """Result of a session call."""
    step: int  # global step after the call
    advanced: int  # number of weight updates
    skipped: int  # number of steps without update because their gradients overflowed
    # Averaged over the ranks: the loss terms, 'total', 'learning_rate', with loss scaling
    # 'loss_scale', with several ranks 'stop'.
    values: typing.Dict[str, float]
    own_values: typing.Dict[str, float]  # as `values`, of this rank alone
    images: typing.Optional[bytes]  # merged image summaries
    seconds: float  # duration of one step

    @property
    def losses(self):
        """The loss terms in `values`."""
        return {name: value for name, value in self.values.items() if name not in _RESERVED}

    def completes(self, interval):
        """Whether a multiple of `interval` was reached; an interval of 0 never is."""
        return due(interval, self.step - self.advanced, self.step)


class TrainingStep:
    """Builds the training step of a task in the default graph, reading from a tf.data.Dataset.

    Args:
      count_batches: whether to count batches although no step is skipped, in a run whose earlier
        steps were. With loss scaling they are counted anyway.

    Attributes:
      train_op: tf.Operation, one step.
      step: <int64>[], the global step after it.
      values: <float32>[number of values], averaged over the ranks.
      images: <string>[], merged image summaries, or None.
      iterator: of the training data; initialize it.
      model_variables: list of the variables that prediction needs.
      all_state: dict, key in a checkpoint -> variable: everything that training changes.
      optional_state: the part of `all_state` for loss scaling, which a checkpoint may lack.
      batches_seen: key in `optional_state` of the number of batches read, including skipped steps.
    """
    batches_seen = 'loss_scale/batches_seen'

    def __init__(self, task, dataset, device, runtime, ranks, count_batches=False):
        # XLA does not compile operations on reference variables.
        tf.get_variable_scope().set_use_resource(uses_xla(device, runtime))
        global_step = tf.train.get_or_create_global_step()
        self.iterator = batch_iterator(dataset)
        with convolutions_as_gradients(device):
            output = task.build_model(self.iterator.get_next(), is_training=True)
        self.model_variables = [variable for variable in tf.global_variables()
                                if variable is not global_step]
        losses = _losses(output, ranks.size if task.loss_is_sum else 1)
        if not losses:
            raise UserError('all loss weights are 0, one must be positive')
        total = tf.add_n(list(losses.values()), name='total_loss')
        learning_rate = tf.convert_to_tensor(task.flags.learning_rate, tf.float32,
                                             name='learning_rate')
        if runtime.learning_rate_scaling and ranks.size > 1:
            learning_rate *= ranks.size
        optimizer, scaling = precision.wrap_optimizer(
            ranks.wrap(tf.train.AdamOptimizer(learning_rate)), device, runtime, ranks.size > 1)
        update = _update(
            optimizer, total, global_step,
            _in_scopes(tf.GraphKeys.TRAINABLE_VARIABLES, task.trainable_scopes),
            task.flags.gradient_clip, task.gradient_size if scaling else 1.)
        moving_averages = _in_scopes(tf.GraphKeys.UPDATE_OPS, task.trainable_scopes)
        counts = []
        self.optional_state = dict(scaling.state) if scaling else {}
        if scaling or count_batches:
            seen = tf.get_variable('batches_seen', [], tf.int64, tf.zeros_initializer(),
                                   trainable=False)
            counts = [tf.assign_add(seen, 1)]
            self.optional_state[self.batches_seen] = seen
        images, keep_images = device.own.fetched_images(
            output.images if task.flags.summary_freq else {})
        self.images, self._images_are_kept = _summaries(images), bool(keep_images)
        self.train_op = tf.group(update, *moving_averages, *counts, *keep_images,
                                 name='train_op')
        with tf.control_dependencies([self.train_op]):
            self.step = tf.identity(global_step.read_value(), name='step_after')
        self._max_steps, self._summary_freq = task.max_steps, task.flags.summary_freq
        # A call of several steps ends at each multiple of these.
        self._intervals = [task.flags.log_freq, task.flags.summary_freq, task.save_every,
                           task.validation.every if task.validation else 0]
        self._steps_set = None
        self._call_op, self._most_steps, self._set_steps = device.own.step_loop(
            self.train_op, runtime)
        self._gather_values(losses, total, learning_rate, scaling, ranks)
        self.all_state = _state(self.optional_state)

    def _gather_values(self, losses, total, learning_rate, scaling, ranks):
        values = dict(losses, total=total, learning_rate=learning_rate)
        if scaling:
            values['loss_scale'] = precision.scale_after(scaling, self.train_op)
        self._stop_flag = None
        if ranks.size > 1:
            self._stop_flag = tf.placeholder_with_default(0., [], name='stop_flag')
            values['stop'] = self._stop_flag
        self._names = list(values)
        self._own_values = tf.stack([tf.cast(value, tf.float32) for value in values.values()])
        self.values = ranks.average(self._own_values)

    def run(self, session, step, with_images, stop_asked):
        """Runs the steps after global step `step` in one session call.

        Args:
          with_images: whether to fetch image summaries if they are due.
          stop_asked: whether this rank requests that all ranks stop; averaged in the result.

        Returns:
          <StepResult>.

        Raises:
          UserError: the data set is exhausted.
        """
        tried = steps_until_due(step, self._intervals,
                                min(self._most_steps, self._max_steps - step))
        if self._set_steps and tried != self._steps_set:
            self._set_steps(session, tried)
            self._steps_set = tried
        fetches = {'train_op': self._call_op, 'step': self.step, 'values': self.values,
                   'own_values': self._own_values}
        with_images = (with_images and self.images is not None
                       and due(self._summary_freq, step, step + tried))
        if with_images and not self._images_are_kept:
            fetches['images'] = self.images
        feed = None if self._stop_flag is None else {self._stop_flag: float(stop_asked)}
        began = time.perf_counter()
        try:
            found = session.run(fetches, feed)
        except tf.errors.OutOfRangeError as error:
            raise UserError('the training data ended after step %d of %d, must repeat'
                            % (step, self._max_steps)) from error
        seconds = (time.perf_counter() - began) / tried
        if with_images and self._images_are_kept:
            found['images'] = session.run(self.images)
        values, own_values = [dict(zip(self._names, found[name].tolist()))
                              for name in ('values', 'own_values')]
        advanced = int(found['step']) - step
        return StepResult(
            step + advanced, advanced, tried - advanced if 'loss_scale' in values else 0, values,
            own_values, found.get('images'), seconds)


def _losses(output, factor):
    """Checks the losses of a <TrainingOutput> and multiplies them by `factor`.

    Losses and gradients are averaged over the ranks; a loss that is a sum over examples needs the
    number of ranks as factor.
    """
    for name, loss in output.losses.items():
        if loss.shape.as_list() != [] or name in _RESERVED:
            raise ValueError('loss %s has shape %s; must be a scalar, not named %s'
                             % (name, loss.shape, ', '.join(_RESERVED)))
    return {name: loss if factor == 1 else factor * loss for name, loss in output.losses.items()}


def _in_scopes(collection, scopes):
    """The items of a collection in variable scopes; None means all of it."""
    if scopes is None:
        return tf.get_collection(collection)
    return [item for scope in scopes for item in tf.get_collection(collection, scope + '/')]


def _update(optimizer, total, global_step, variables, gradient_clip, gradient_size):
    """The operation that updates weights and global step.

    Computes gradients of the loss divided by `gradient_size`, then multiplies them by it.
    """
    # GATE_GRAPH has a tenth fewer nodes than GATE_OP.
    gradients = optimizer.compute_gradients(
        total if gradient_size == 1. else total / gradient_size, variables,
        gate_gradients=tf.train.Optimizer.GATE_GRAPH)
    pairs = [(gradient if gradient_size == 1. else gradient * gradient_size, variable)
             for gradient, variable in gradients if gradient is not None]
    if gradient_clip > 0:
        clipped, _ = tf.clip_by_global_norm([gradient for gradient, _ in pairs], gradient_clip)
        pairs = list(zip(clipped, [variable for _, variable in pairs]))
    # A loss that reads weights directly must read them before the update.
    with tf.control_dependencies([total]):
        return optimizer.apply_gradients(pairs, global_step=global_step)


def _state(optional_state):
    """All global variables by name, with the same names for every optimizer wrapper."""
    state = {}
    optional = {variable.op.name for variable in optional_state.values()}
    for variable in tf.global_variables():
        if variable.op.name not in optional:
            # Loss scaling creates Adam's powers in the scope of a conditional.
            state[re.sub(r'.*/(beta[12]_power)$', r'\1', variable.op.name)] = variable
    return dict(state, **optional_state)


def steps_until_due(step, intervals, most_steps):
    """The number of steps after global step `step` until the next multiple of an interval.

    Args:
      intervals: list of int, steps between log lines, checkpoints and so on; 0 means never.
      most_steps: upper limit of the result.
    """
    return min([most_steps] + [interval - step % interval for interval in intervals if interval])


def _summaries(images):
    """Merged summaries of a dict, name -> [1, H, W, C]; None if it is empty."""
    summaries = [tf.summary.image(name, image, max_outputs=1, collections=[])
                 for name, image in images.items()]
    return tf.summary.merge(summaries, collections=[]) if summaries else None
