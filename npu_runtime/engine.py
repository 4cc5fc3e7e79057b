"""TensorFlow as the programs here take it: 1.15 or newer, with its own messages off."""
import contextlib
import logging
import os
import re
import signal
import sys
import tempfile
import threading
import warnings

from vo_common.errors import EXIT_INTERRUPTED

_LOG_LEVEL = 'TF_CPP_MIN_LOG_LEVEL'
_ERRORS_ONLY = '2'
_PYTHON_LEVELS = {'0': logging.INFO, '1': logging.WARNING}
# What no level silences in TensorFlow 2.x, because it is said before the level is read; and that a
# machine without NVIDIA's driver has no GPU, which it takes for an error.
_CHATTER = re.compile(r'[IW]\d{4} |WARNING: All log messages before absl|To enable the following|'
                      r'E\d{4} .*failed call to cuInit.*\(303\)')


def start_tensorflow():
    """Imports TensorFlow, silenced, and has it build the graphs that 1.15 builds.

    Programs call it before they import anything that imports TensorFlow: how much it tells is
    decided at that moment. Errors are shown; TF_CPP_MIN_LOG_LEVEL in the environment (0 tells all,
    1 leaves out information) wins.
    """
    # A child of a silenced program finds the level set.
    os.environ[_LOG_LEVEL] = os.environ.get(_LOG_LEVEL) or _ERRORS_ONLY
    level = _PYTHON_LEVELS.get(os.environ[_LOG_LEVEL], logging.ERROR)
    filtered = _without_chatter() if level == logging.ERROR else contextlib.nullcontext()
    for name in ('tensorflow', 'absl'):
        logging.getLogger(name).setLevel(level)
    if level == logging.ERROR:
        warnings.filterwarnings('ignore', module='tensor(flow|board)')
    with _interruptible(), filtered:
        import tensorflow.compat.v1 as tf
        if tf.executing_eagerly():
            # TensorFlow 2.x: plain variables and conditionals from here on.
            tf.disable_v2_behavior()
            tf.config.experimental.list_physical_devices('GPU')  # looks for the driver, once


@contextlib.contextmanager
def _interruptible():
    """Within it Ctrl-C ends the process: some of what is imported swallows KeyboardInterrupt."""
    if (threading.current_thread() is not threading.main_thread()
            or signal.getsignal(signal.SIGINT) != signal.default_int_handler):
        yield
        return
    stderr = os.dup(2)

    def end(number, frame):
        del number, frame
        os.write(stderr, b'interrupted\n')
        os._exit(EXIT_INTERRUPTED)

    before = signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        os.close(stderr)


@contextlib.contextmanager
def _without_chatter():
    """Drops what TensorFlow's C++ part writes to stderr meanwhile, as far as it is chatter."""
    with contextlib.ExitStack() as stack:
        try:
            caught = stack.enter_context(tempfile.TemporaryFile())
            stderr = os.dup(2)
        except OSError:  # no room for it, or no stderr: then as it comes
            yield
            return
        sys.stderr.flush()
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
            caught.seek(0)
            for line in caught.read().decode('utf-8', 'replace').splitlines(True):
                if not _CHATTER.match(line):
                    sys.stderr.write(line)
