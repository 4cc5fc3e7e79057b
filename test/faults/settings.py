"""How thorough the fault tests are, and their randomness.

FAULTS=full (the default, up to half an hour) or quick (a few seconds of each kind);
FAULTS_SEED=N repeats a run: the seed is printed at the end of every one.
"""
import os
import random
import time

FULL = os.environ.get('FAULTS', 'full') != 'quick'
# Under pytest-xdist all workers must collect the same tests: the seed is handed on.
SEED = int(os.environ.setdefault('FAULTS_SEED', str(int(time.time()) if FULL else 8964)))


def pick(full, quick):
    """The first value in a full run, the second in a quick one."""
    return full if FULL else quick


def randomness(name):
    """<random.Random> of its own for the test `name`."""
    return random.Random('%d %s' % (SEED, name))
