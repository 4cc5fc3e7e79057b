"""Extent and randomness of the fault tests.

FAULTS=full (the default, up to half an hour) or quick (a few seconds of each kind).
FAULTS_SEED=N repeats a run, which prints its seed at the end.
"""
import os
import random
import time

FULL = os.environ.get('FAULTS', 'full') != 'quick'
# Passed on in the environment, because all workers of pytest-xdist must collect the same tests.
SEED = int(os.environ.setdefault('FAULTS_SEED', str(int(time.time()) if FULL else 8964)))


def pick(full, quick):
    """Returns `full` in a full run, `quick` in a quick run."""
    return full if FULL else quick


def randomness(name):
    """<random.Random> for the test `name`."""
    return random.Random('%d %s' % (SEED, name))
