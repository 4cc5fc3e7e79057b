"""Stages within a budget: measured once, planned once, resumed where they stopped."""
import json

import pytest

from experiments.stages import LEAST_STEPS, Stage, run_stages, time_share
from vo_common.errors import UserError

STAGES = [Stage(0.5, 3e-4), Stage(0.4, 2e-4, ('--freeze',)), Stage(0.1, 3e-5)]
SECONDS_A_STEP = 0.5


class Training:
    """Stands in for a program that trains: remembers its calls, leaves metrics behind."""

    def __init__(self, folder, stops_in_call=None):
        self._folder, self._stops_in_call = folder / 'run', stops_in_call
        self.calls = []

    def run(self, stages=STAGES, minutes=10, **asked):
        """`run_stages` with this training."""
        return run_stages('a net', str(self._folder), stages, self, minutes, **asked)

    def __call__(self, last_step, stage, log_freq):
        self.calls.append((last_step, stage.learning_rate))
        self._folder.mkdir(exist_ok=True)
        with (self._folder / 'metrics.jsonl').open('a') as stream:
            for step in range(log_freq, last_step + 1, log_freq):
                seconds = 9.0 if step == log_freq else SECONDS_A_STEP  # the first rows warm up
                row = dict(event='train', step=step, seconds_per_step=seconds, total=1.0)
                stream.write(json.dumps(row) + '\n')
        if len(self.calls) == self._stops_in_call:
            raise KeyboardInterrupt


def test_the_budget_is_shared_out_at_the_measured_speed(tmp_path):
    train = Training(tmp_path)
    assert train.run() == 10 * 60 / SECONDS_A_STEP
    assert train.calls[1:] == [(600, 3e-4), (1080, 2e-4), (1200, 3e-5)]
    assert train.calls[0][0] < LEAST_STEPS  # the steps that were measured are the first of all


def test_a_stopped_run_keeps_its_plan_and_measures_nothing_again(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        Training(tmp_path, 3).run()
    again = Training(tmp_path)
    again.run()
    assert again.calls == [(600, 3e-4), (1080, 2e-4), (1200, 3e-5)]


def test_steps_asked_for_need_no_clock(tmp_path):
    train = Training(tmp_path)
    train.run(minutes=60, steps=20)
    assert [last_step for last_step, _ in train.calls] == [10, 18, 20]


def test_a_budget_without_steps_for_every_stage_says_what_it_must_be(tmp_path):
    with pytest.raises(UserError, match=r'--minutes=1: must be at least 3\.3 for a net here'):
        Training(tmp_path).run(minutes=1)


def test_a_run_is_not_continued_with_another_budget(tmp_path):
    Training(tmp_path).run()
    with pytest.raises(UserError, match=r'planned with minutes=10, now 20: must be the same \('):
        Training(tmp_path).run(minutes=20)


def test_a_run_is_not_continued_on_other_drives(tmp_path):
    for _ in range(2):
        Training(tmp_path).run(settings=dict(sequences=['00', '02']))
    with pytest.raises(UserError, match='planned with sequences=00,02, now 00,03: must be the'):
        Training(tmp_path).run(settings=dict(sequences=['00', '03']))


def test_steps_on_images_of_half_the_size_take_a_quarter_of_the_time(tmp_path):
    stages = [Stage(0.8, 3e-4, scale=0.5), Stage(0.2, 1e-4)]
    assert time_share(stages, 0.4) == pytest.approx(0.25)
    assert time_share(stages, 0.9) == pytest.approx(0.75)
    assert time_share(stages, 1.0) == pytest.approx(1)
    train = Training(tmp_path)
    # 0.5 s a step at first, then 2 s: 0.8 s in the mean.
    assert train.run(stages) == 10 * 60 / 0.8
    assert train.calls[1:] == [(600, 3e-4), (750, 1e-4)]


def test_scaled_images_keep_their_shape_and_sides_that_the_nets_can_halve():
    assert Stage(1, 1e-4).scaled([56, 180]) == (56, 180)
    assert Stage(1, 1e-4, scale=0.5).scaled([64, 208]) == (32, 104)
    assert Stage(1, 1e-4, scale=0.57).scaled([56, 184]) == (32, 104)
    assert Stage(1, 1e-4, scale=0.1).scaled([64, 208]) == (32, 32)


@pytest.mark.parametrize('content', ['[]', '{"steps": 5}', '{"last_steps": [5, 6]}'])
def test_a_plan_of_another_kind_is_refused(tmp_path, content):
    (tmp_path / 'run').mkdir()
    (tmp_path / 'run' / 'plan.json').write_text(content)
    with pytest.raises(UserError, match='plan.json: must hold the last step of each of 3 stages'):
        Training(tmp_path).run()
