"""TensorFlow as the programs here take it: 1.15 or newer, with its own messages off."""
import logging
import os
import warnings

_LOG_LEVEL = 'TF_CPP_MIN_LOG_LEVEL'
_ERRORS_ONLY = '2'
_PYTHON_LEVELS = {'0': logging.INFO, '1': logging.WARNING}


def start_tensorflow():
    """Imports TensorFlow, silenced, and has it build the graphs that 1.15 builds.

    Programs call it before they import anything that imports TensorFlow: how much it tells is
    decided at that moment. Errors are shown; TF_CPP_MIN_LOG_LEVEL in the environment (0 tells all,
    1 leaves out information) wins.
    """
    level = os.environ.setdefault(_LOG_LEVEL, _ERRORS_ONLY)
    for name in ('tensorflow', 'absl'):
        logging.getLogger(name).setLevel(_PYTHON_LEVELS.get(level, logging.ERROR))
    if level not in _PYTHON_LEVELS:
        warnings.filterwarnings('ignore', module='tensor(flow|board)')
    import tensorflow.compat.v1 as tf
    if tf.executing_eagerly():
        # TensorFlow 2.x: plain variables and conditionals from here on.
        tf.disable_v2_behavior()
