"""Finds where a training run starts: at step 0, or where an earlier run stopped."""
import os
import typing

import tensorflow.compat.v1 as tf

from npu_runtime import checkpoints
from npu_runtime.run_folder import changes_since
from npu_runtime.training.step import TrainingStep
from vo_common.console import log
from vo_common.errors import UserError


class StartingPoint(typing.NamedTuple):
    """The checkpoint from which a run resumes."""
    prefix: typing.Optional[str]  # of the newest intact checkpoint; None for a new run
    step: int  # its global step, the same on every rank
    batches_seen: int  # batches read so far; more than `step` if loss scaling skipped steps
    changed: typing.Dict[str, list]  # flag -> [value when the checkpoint was written, value now]


def find_start(folder, configs, ranks, proto):
    """Finds the <StartingPoint> in the folder of a run, with `configs` as in <TrainingTask>.

    `proto` is the tf.ConfigProto of the session in which the ranks agree.

    Raises:
      UserError: the checkpoints are unusable or belong to another model.
    """
    prefix, step, batches_seen, changed = None, 0, 0, {}
    folder = os.path.abspath(folder)
    # If rank 0 broadcasts everything, the folders of other ranks do not matter.
    if (ranks.rank == 0 or not ranks.broadcasts_everything) and os.path.isdir(folder):
        prefix = checkpoints.newest_in(folder)
        if prefix:
            changed = changes_since(folder, configs)
            step = max(0, checkpoints.read_step(prefix))
            batches_seen = checkpoints.read_count(prefix, [TrainingStep.batches_seen], step)
    step, batches_seen = ranks.agree_on_start([step, batches_seen], proto)
    return StartingPoint(prefix, step, batches_seen, changed)


def restore_or_initialise(session, start, task, training_step, ranks):
    """Gives a new session's variables their initial or restored values.

    Raises:
      UserError: the ranks found checkpoints of different steps.
    """
    shared = [ranks.broadcast(list(training_step.all_state.values()))]
    if not ranks.broadcasts_everything:
        # In the same call as the broadcast, so that an NPU compiles a single graph.
        shared.append(ranks.gather([start.step, start.batches_seen]))
    session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
    session.run(training_step.iterator.initializer)
    if start.prefix:
        checkpoints.load_values(session, start.prefix, training_step.all_state,
                                optional=training_step.optional_state)
        count = training_step.optional_state.get(TrainingStep.batches_seen)
        if count is not None:
            # A checkpoint written without loss scaling lacks this count.
            count.load(start.batches_seen, session)
        if ranks.rank == 0:
            log('resumed from %s at step %d' % (start.prefix, start.step))
    elif task.init_checkpoint and (ranks.rank == 0 or not ranks.broadcasts_everything):
        checkpoints.restore(session, task.init_checkpoint, training_step.model_variables,
                            optional_scopes=task.trainable_scopes or ())
    found = session.run(shared)
    if len(found) > 1 and (found[1] != found[1][0]).any():
        steps = ', '.join('rank %d: step %d after %d batches' % (rank, step, batches)
                          for rank, (step, batches) in enumerate(found[1]))
        raise UserError('%s: the ranks found different checkpoints (%s), must be a folder that '
                        'all hosts share (or copy the same newest checkpoint to every host)'
                        % (os.path.abspath(task.folder), steps))
