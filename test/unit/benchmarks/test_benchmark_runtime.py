"""The measurement of what the training loop adds to a step."""
import numpy as np

from benchmarks.training_loop import Config, measure
from npu_runtime.training.guard import FiniteGuard


def test_measures_as_many_steps_of_either_kind_as_asked_for():
    loop, bare = measure(Config(steps=3, log_freq=2, size=50))
    assert loop.shape == bare.shape == (3,)
    assert np.all(loop > 0) and np.all(bare > 0)


def test_a_slow_check_is_seen_in_the_loop_and_not_in_the_bare_calls(monkeypatch):
    real = FiniteGuard.require_finite

    def slow(guard, *args):
        np.linalg.svd(np.ones([250, 250]))
        return real(guard, *args)
    unhindered = np.median(np.subtract(*measure(Config(steps=5, size=50))))
    monkeypatch.setattr(FiniteGuard, 'require_finite', slow)
    loop, bare = measure(Config(steps=5, size=50))
    assert np.median(loop - bare) > unhindered + 0.002
    assert np.median(bare) < np.median(loop) / 2
