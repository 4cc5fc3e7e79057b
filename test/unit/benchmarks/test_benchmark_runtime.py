"""The measurement of what the training loop adds to a step."""
import numpy as np

from benchmarks.training_loop import Config, measure


def test_measures_as_many_steps_of_either_kind_as_asked_for():
    loop, bare = measure(Config(steps=3, log_freq=2, size=50))
    assert loop.shape == bare.shape == (3,)
    assert np.all(loop > 0) and np.all(bare > 0)
