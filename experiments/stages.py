"""Trains in stages within a limited time, by a plan that a resumed run keeps."""
import os
import typing

from npu_runtime.training.metrics import read_metrics
from vo_common.console import log
from vo_common.errors import UserError
from vo_common.files import make_folder, read_json, write_json
from vo_common.flags import as_typed

PLAN_FILE = 'plan.json'
LEAST_STEPS = 40  # of a stage, whose first steps trace and warm up
_PROBE_STEPS, _PROBE_LOG = 16, 8


class Stage(typing.NamedTuple):
    """One stage of a recipe.

    share: fraction of all steps; those of a recipe add up to 1.
    learning_rate: learning rate.
    flags: additional flags of the program.
    scale: factor on the image size; the time of a step is proportional to the area.
    """
    share: float
    learning_rate: float
    flags: typing.Sequence[str] = ()
    scale: float = 1.0

    def scaled(self, size):
        """The image size of this stage.

        Args:
          size: (height, width) of the recipe's images, pixels.

        Returns:
          (height, width), multiples of 8 and at least 32 if `scale` is not 1.
        """
        if self.scale == 1.0:
            return tuple(size)
        return tuple(max(32, 8 * round(self.scale * side / 8)) for side in size)


class Recipe(typing.NamedTuple):
    """How to train and test a model.

    flags: flags for all stages.
    stages: the stages in order.
    test_flags: additional flags for the test.
    tests_trained: whether to test the ConvLSTM on its training drives too.
    half_size: whether the images have half the size of the experiment's.
    """
    flags: typing.Sequence[str]
    stages: typing.Sequence[Stage]
    test_flags: typing.Sequence[str] = ()
    tests_trained: bool = True
    half_size: bool = False

    def size(self, config):
        """(height, width) of the images, for a configuration with img_height and img_width."""
        sides = config.img_height, config.img_width
        return tuple(max(32, side // 2) for side in sides) if self.half_size else sides


def run_stages(name, folder, stages, train, minutes, steps=0, settings=()):
    """Trains all stages, or resumes where an earlier run stopped.

    The speed of the first steps determines the number of steps. The plan is saved in the folder of
    the run, and a resumed run keeps it.

    Args:
      name: name of the model, for messages.
      folder: folder of the run, and of `plan.json`.
      stages: list of <Stage>.
      train: function (last step, <Stage>, log_freq) that continues the run until `last step`.
      minutes: duration of the training.
      steps: number of steps of all stages; 0: determined by `minutes`.
      settings: dict of JSON values that a resumed run must share, see `settings_of`.

    Returns:
      The last step.

    Raises:
      UserError: a stage would have fewer than `LEAST_STEPS`, or the earlier run had another plan.
    """
    path = os.path.join(make_folder(folder), PLAN_FILE)
    asked = dict(settings, minutes=minutes, asked_steps=steps)
    if os.path.exists(path):
        plan = _read_plan(path, asked, len(stages))
    else:
        first = stages[0].share
        seconds = 0.0 if steps else (
            _measure(folder, stages[0], train) * first / time_share(stages, first))
        plan = dict(asked, seconds_per_step=seconds,
                    last_steps=_last_steps(name, stages, minutes, seconds, steps))
        write_json(path, plan)
    log('%s: %d stages that end at steps %s' % (
        name, len(stages), ', '.join(map(str, plan['last_steps']))))
    for stage, last_step in zip(stages, plan['last_steps']):
        train(last_step, stage, max(1, min(100, plan['last_steps'][-1] // 40)))
    return plan['last_steps'][-1]


def settings_of(config, drives):
    """The settings that a resumed run must share: training data, image size and seed."""
    return dict(sequences=drives.train, kitti_dir=os.path.abspath(drives.root),
                camera=drives.camera, img_height=config.img_height, img_width=config.img_width,
                seed=config.seed)


def _read_plan(path, asked, num_stages):
    """The plan in the file `path`; a UserError unless it is for `num_stages` and what is `asked`.

    Plans of earlier versions lack some settings, which are not compared.
    """
    plan = read_json(path)
    ends = plan.get('last_steps') if isinstance(plan, dict) else None
    if not isinstance(ends, list) or len(ends) != num_stages or not all(
            isinstance(end, int) for end in ends):
        raise UserError('%s: must hold the last step of each of %d stages (give another '
                        '--output_dir)' % (path, num_stages))
    for name, value in asked.items():
        if plan.get(name, value) != value:
            raise UserError('%s: was planned with %s=%s, now %s: must be the same (give another '
                            '--output_dir)' % (path, name, as_typed(plan[name]), as_typed(value)))
    return plan


def _measure(folder, stage, train):
    """Seconds per step, from the last row of the first steps in metrics.jsonl."""
    train(_PROBE_STEPS, stage, _PROBE_LOG)
    rows = [row['seconds_per_step'] for row in read_metrics(folder)
            if row['event'] == 'train' and row['step'] <= _PROBE_STEPS]
    return rows[-1]


def time_share(stages, step_share):
    """Fraction of the time of all stages that the first `step_share` of their steps takes."""
    begin = spent = total = 0.0
    for stage in stages:
        seconds = stage.scale ** 2
        spent += seconds * min(max(step_share - begin, 0), stage.share)
        total += seconds * stage.share
        begin += stage.share
    return spent / total


def _last_steps(name, stages, minutes, seconds, steps):
    """The step at which each stage ends."""
    total = steps or int(60 * minutes / seconds)
    shortest = min(stage.share for stage in stages)
    if not steps and total * shortest < LEAST_STEPS:
        raise UserError('--minutes=%g: must be at least %.1f for %s here (%.2f seconds per step, '
                        '%d steps for the shortest of %d stages)' % (
                            minutes, LEAST_STEPS / shortest * seconds / 60, name, seconds,
                            LEAST_STEPS, len(stages)))
    ends, done = [], 0.0
    for stage in stages:
        done += stage.share
        ends.append(max(1, round(total * done)))
    return ends
