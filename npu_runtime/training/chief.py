"""What rank 0 alone does beside training: it reports, validates, and writes checkpoints."""
import math
import time

from npu_runtime import checkpoints
from npu_runtime.checkpoint_writer import CheckpointWriter
from npu_runtime.training.report import Report, due
from npu_runtime.training.validation import Validator, least_logged
from vo_common.console import log


class Chief:
    """Watches a run; builds what it needs in the default graph. Close it.

    Args:
      folder: <RunFolder>.
      task: <TrainingTask>.
      start: <StartingPoint>.
      training_step: <TrainingStep>.
      num_ranks: how many make each step.
    """

    def __init__(self, folder, task, start, training_step, num_ranks):
        self._task = task
        self._writer = CheckpointWriter(folder, training_step.all_state,
                                        training_step.model_variables, task.flags.max_to_keep)
        if start.prefix:
            self._writer.continue_after(start.prefix, start.step)
        self._report = Report(folder, task, start, num_ranks)
        self._validator = self._make_validator(start) if task.validation else None
        self._saved_step, self._written = start.step, None
        self._saved_at = time.monotonic()
        self.begin, self.report = self._report.begin, self._report.step
        self.remains = self._writer.remains

    def _make_validator(self, start):
        validation = self._task.validation
        log('validation every %d steps: %s' % (
            validation.every, validation.examples or '%d batches' % validation.batches))
        best = least_logged(self._report.rows, validation.metric)
        if validation.keep_best:
            kept = self._writer.keep_best(validation.metric, best)
            best = kept if start.prefix else math.inf  # a new run has none of its own
        return Validator(validation, self._task.build_model, best)

    def validate_if_due(self, session, before, step):
        """Validates where an interval ends in the steps after `before` up to `step`."""
        if not self._validator or not due(self._task.validation.every, before, step):
            return
        if self._task.validation.keep_best and not self._writer.has_best():
            self._validator.best = math.inf
        found = self._validator.run(session, step)
        if found.is_best and self._task.validation.keep_best:
            self._writer.save_best(session, found.metric)
        self._report.validation(found)

    def save_if_due(self, session, before, step):
        """Writes a checkpoint where an interval of steps or minutes ends with `step`.

        One that is due by time alone has a name that the next of them takes over.
        """
        minutes = self._task.flags.save_minutes
        if due(self._task.save_every, before, step):
            self._save(session, step, self._task.checkpoint_name(step))
        elif (minutes and step < self._task.max_steps
              and time.monotonic() - self._saved_at >= 60 * minutes):
            self._save(session, step, checkpoints.LATEST)

    def save_end(self, session, step):
        """Writes the checkpoint of the last step, unless it is there."""
        is_done = step >= self._task.max_steps
        if is_done and self._task.final_checkpoint_name:
            self._save(session, step, self._task.final_checkpoint_name)
        elif step > self._saved_step:
            name = self._task.checkpoint_name(step) if is_done else 'model-%d' % step
            self._save(session, step, name)

    def _save(self, session, step, name):
        self._report.flush()
        began = time.perf_counter()
        self._written, self._saved_at = self._writer.save(session, name), time.monotonic()
        if name != checkpoints.LATEST:
            self._saved_step = step
        self._report.checkpoint(step, self._written, time.perf_counter() - began)

    def results(self):
        """What `train` returns, without the device."""
        best = self._validator.best if self._validator else math.inf
        return dict(self._report.summary(), checkpoint=self._written,
                    best=best if math.isfinite(best) else None)

    def end(self, reason):
        """Writes the row of metrics that ends the run."""
        self._report.end(reason, self.results())

    def close(self):
        self._report.close()
