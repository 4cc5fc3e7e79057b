"""The graph of one training step: loss, gradients, update, and the one tensor that tells of it."""
import collections

import tensorflow.compat.v1 as tf

from npu_runtime.devices import compilation, precision
from npu_runtime.devices.host_gradients import convolutions_as_gradients


class TrainingGraph:
    """Builds the step of a model in the default graph.

    Attributes:
      train_op: tf.Operation, one step.
      step: int64 scalar, the global step after it.
      terms: names of the loss terms.
      values, local_values: float32 vectors, averaged over the ranks and this rank's own (None with
        a single rank); `named` takes them apart.
      stop_flag: placeholder by which a rank asks all to stop; None with a single rank.
      images: merged image summaries (string scalar), or None.
      iterator: of the training data, to be initialised.
      model_variables: list, what prediction needs.
      all_state: dict, key in a checkpoint -> variable: everything that training changes.
      optional_state: the part of it that belongs to loss scaling and may be absent.
      batches_seen: key in `optional_state` of the number of batches read; they exceed the steps by
        the skipped ones.
    """
    batches_seen = 'loss_scale/batches_seen'

    def __init__(self, build_model, dataset, options, device, runtime, ranks):
        # XLA leaves what reads or writes the older kind of variables out of what it compiles.
        tf.get_variable_scope().set_use_resource(compilation.choose_xla(device, runtime).on)
        global_step = tf.train.get_or_create_global_step()
        self.iterator = tf.data.make_initializable_iterator(dataset)
        with convolutions_as_gradients(device):
            output = build_model(self.iterator.get_next(), is_training=True)
        self.model_variables = [variable for variable in tf.global_variables()
                                if variable is not global_step]
        losses = _losses(output, options, ranks)
        total = tf.add_n(list(losses.values()), name='total_loss')
        learning_rate = _learning_rate(options, global_step, runtime, ranks)
        adam = tf.train.AdamOptimizer(learning_rate, beta1=options.adam_beta1)
        optimizer, scaling = precision.wrap_optimizer(ranks.wrap(adam), device, runtime,
                                                      ranks.size > 1)
        update = _update(optimizer, total, global_step, options)
        self.optional_state = _scaling_state(scaling)
        self.train_op = tf.group(update, *_after_each_batch(options, self.optional_state),
                                 name='train_op')
        with tf.control_dependencies([self.train_op]):
            self.step = tf.identity(global_step.read_value(), name='step_after')
        self.terms = list(losses)
        self._gather_values(losses, total, learning_rate, scaling, ranks)
        self.images = _image_summaries(output)
        self.all_state = _state(adam, self.optional_state)

    def count_batches_from(self, session, batches_seen):
        """Tells a run with loss scaling what it goes on from, which may have counted none."""
        if self.batches_seen in self.optional_state:
            self.optional_state[self.batches_seen].load(batches_seen, session)

    def _gather_values(self, losses, total, learning_rate, scaling, ranks):
        values = collections.OrderedDict(losses, total=total, learning_rate=learning_rate)
        if scaling:
            values['loss_scale'] = scaling.scale
        self.stop_flag = self.local_values = None
        if ranks.size > 1:
            self.stop_flag = tf.placeholder_with_default(0., [], name='stop_flag')
            values['stop'] = self.stop_flag
        self._names = list(values)
        self.values = tf.stack([tf.cast(value, tf.float32) for value in values.values()])
        if ranks.size > 1:
            self.local_values = self.values
            self.values = ranks.average(self.values)

    def named(self, values):
        """dict, name -> float, of a fetched vector: the terms, 'total', 'learning_rate' and, where
        there are such, 'loss_scale' and 'stop'."""
        return dict(zip(self._names, values.tolist()))


def _losses(output, options, ranks):
    """The model's loss terms, checked; with `l2_weight` also the collected regularization."""
    losses = collections.OrderedDict(output.losses)
    if options.loss_is_sum and ranks.size > 1:
        # Losses and gradients are averaged over the ranks, which a sum over examples must outweigh.
        losses = collections.OrderedDict(
            (name, ranks.size * loss) for name, loss in losses.items())
    if not losses:
        raise ValueError('the model gave no loss')
    if options.l2_weight:
        collected = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
        if not collected:
            raise ValueError('l2_weight is %g, but the model collects no regularization'
                             % options.l2_weight)
        losses['l2'] = options.l2_weight * tf.add_n(collected)
    for name, loss in losses.items():
        if loss.shape.as_list() != [] or name in ('total', 'learning_rate', 'loss_scale', 'stop'):
            raise ValueError('loss %s has shape %s; wanted is a scalar of another name than total, '
                             'learning_rate, loss_scale, stop' % (name, loss.shape))
    return losses


def _learning_rate(options, global_step, runtime, ranks):
    rate = options.learning_rate
    rate = rate(global_step) if callable(rate) else rate
    rate = tf.convert_to_tensor(rate, tf.float32, name='learning_rate')
    return rate * ranks.size if runtime.learning_rate_scaling and ranks.size > 1 else rate


def trained_variables(trainable_scopes):
    """The trainable variables in `trainable_scopes`; None is all.

    Raises:
      ValueError: a scope without variables.
    """
    if trainable_scopes is None:
        return tf.trainable_variables()
    variables = []
    for scope in trainable_scopes:
        inside = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope.rstrip('/') + '/')
        if not inside:
            raise ValueError('no trainable variable in scope %s' % scope)
        variables += inside
    return variables


def _update(optimizer, total, global_step, options):
    """The operation that changes weights and global step."""
    # One gate for all gradients instead of one for each operation: a tenth fewer nodes.
    gradients = optimizer.compute_gradients(total, trained_variables(options.trainable_scopes),
                                            gate_gradients=tf.train.Optimizer.GATE_GRAPH)
    pairs = [(gradient, variable) for gradient, variable in gradients if gradient is not None]
    if not pairs:
        raise ValueError('the loss depends on no trained variable')
    if options.gradient_clip > 0:
        clipped, _ = tf.clip_by_global_norm([gradient for gradient, _ in pairs],
                                            options.gradient_clip)
        pairs = list(zip(clipped, [variable for _, variable in pairs]))
    # The logged loss is that of the weights before the update, also where it reads them directly.
    with tf.control_dependencies([total]):
        return optimizer.apply_gradients(pairs, global_step=global_step)


def _after_each_batch(options, optional_state):
    """Operations beside the update: batch norm's averages of what is trained, the batch count."""
    scopes = [None] if options.trainable_scopes is None else [
        scope.rstrip('/') + '/' for scope in options.trainable_scopes]
    operations = [update for scope in scopes
                  for update in tf.get_collection(tf.GraphKeys.UPDATE_OPS, scope)]
    count = optional_state.get(TrainingGraph.batches_seen)
    if count is not None:
        operations.append(tf.assign_add(count, 1))
    return operations


def _scaling_state(scaling):
    if scaling is None:
        return {}
    count = tf.get_variable('batches_seen', [], tf.int64, tf.zeros_initializer(), trainable=False)
    return dict(scaling.state, **{TrainingGraph.batches_seen: count})


def _state(adam, optional_state):
    """Every global variable by its name; by the same names whatever wraps the optimizer."""
    keys = {variable.op.name: variable.op.name for variable in tf.global_variables()}
    for variable in optional_state.values():
        del keys[variable.op.name]
    for variable in adam.variables():
        # Loss scaling updates inside of a conditional, whose scope Adam's powers get.
        name = variable.op.name.split('/')[-1]
        if name in ('beta1_power', 'beta2_power'):
            keys[variable.op.name] = name
    state = {keys[variable.op.name]: variable for variable in tf.global_variables()
             if variable.op.name in keys}
    return dict(state, **optional_state)


def _image_summaries(output):
    summaries = [tf.summary.image(name, image, max_outputs=1, collections=[])
                 for name, image in (output.images or {}).items()]
    return tf.summary.merge(summaries, collections=[]) if summaries else None
