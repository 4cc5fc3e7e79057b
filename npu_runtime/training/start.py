"""Where a training run starts: at the beginning, or where the one before it stopped."""
import os
import typing

import tensorflow.compat.v1 as tf

from npu_runtime import checkpoint_loading, checkpoints
from npu_runtime.run_folder import changes_since
from npu_runtime.training.step import TrainingStep
from vo_common.console import log
from vo_common.errors import UserError


class StartingPoint(typing.NamedTuple):
    """The checkpoint that a run goes on from.

    Attributes:
      prefix: of the newest whole checkpoint; None for a new run.
      step: global step to start after, the same on every rank.
      batches_seen: batches read before; more than the steps where loss scaling skipped some.
      changed: flag -> [value when the checkpoint was written, value now].
    """
    prefix: typing.Optional[str]
    step: int
    batches_seen: int
    changed: typing.Dict[str, list]


def find_start(task, ranks, proto):
    """The <StartingPoint> in the folder of a task.

    Args:
      task: <TrainingTask>.
      ranks: of `devices.ranks.connect`.
      proto: tf.ConfigProto of a session in which they agree.

    Raises:
      UserError: the checkpoints there are unusable, or of another model.
    """
    prefix, step, batches_seen, changed = None, 0, 0, {}
    folder = os.path.abspath(task.folder)
    # Where rank 0 hands everything to the others, their own folders do not matter.
    if (ranks.rank == 0 or not ranks.broadcasts_everything) and os.path.isdir(folder):
        prefix = checkpoints.newest_in(folder)
        if prefix:
            changed = changes_since(folder, task.configs)
            step = max(0, checkpoints.read_step(prefix))
            batches_seen = checkpoints.read_count(prefix, TrainingStep.batches_seen, step)
    step, batches_seen = ranks.agree_on_start([step, batches_seen], proto)
    return StartingPoint(prefix, step, batches_seen, changed)


def restore_or_initialise(session, start, task, training_step, ranks):
    """Gives a new session's variables the values that the run begins with.

    Args:
      session: tf.Session.
      start: <StartingPoint>.
      task: <TrainingTask>.
      training_step: <TrainingStep>.
      ranks: of `devices.ranks.connect`.

    Returns:
      The global step to start after.

    Raises:
      UserError: the ranks found checkpoints of different steps.
    """
    shared = [ranks.broadcast(list(training_step.all_state.values()))]
    if not ranks.broadcasts_everything:
        # With the broadcast, so that an NPU compiles no further graph.
        shared.append(ranks.gather([start.step, start.batches_seen]))
    session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
    session.run(training_step.iterator.initializer)
    if start.prefix:
        checkpoint_loading.load_values(session, start.prefix, training_step.all_state,
                                optional=training_step.optional_state)
        count = training_step.optional_state.get(TrainingStep.batches_seen)
        if count is not None:
            # A run without loss scaling, from which this one goes on, has counted none.
            count.load(start.batches_seen, session)
        if ranks.rank == 0:
            log('resumed from %s at step %d' % (start.prefix, start.step))
    elif task.init_checkpoint and (ranks.rank == 0 or not ranks.broadcasts_everything):
        checkpoint_loading.restore(session, task.init_checkpoint, training_step.model_variables,
                            task.init_scopes)
    found = session.run(shared)
    if len(found) > 1:
        _require_same(found[1], task.folder)
    return start.step


def _require_same(starts, folder):
    """Raises a UserError unless all rows (step, batches seen) of the ranks are the same."""
    if (starts == starts[0]).all():
        return
    steps = ', '.join('rank %d: step %d after %d batches' % (rank, step, batches)
                      for rank, (step, batches) in enumerate(starts))
    raise UserError('%s: the ranks found different checkpoints in it (%s), must be a folder that '
                    'all hosts share (or copy the same newest checkpoint to every host)'
                    % (os.path.abspath(folder), steps))
