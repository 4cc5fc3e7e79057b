"""Starts TensorFlow 1.15 or newer, silenced, and the mode of a program that uses it."""
import contextlib
import importlib
import logging
import os
import re
import signal
import sys
import tempfile
import threading
import warnings

from npu_runtime.devices import processor
from vo_common.errors import EXIT_INTERRUPTED

_LOG_LEVEL, _ONEDNN = 'TF_CPP_MIN_LOG_LEVEL', 'TF_ENABLE_ONEDNN_OPTS'
_ERRORS_ONLY = '2'
_PYTHON_LEVELS = {'0': logging.INFO, '1': logging.WARNING}
# Messages that TensorFlow 2.x writes before it reads the log level, and the error about a missing
# GPU on machines without NVIDIA's driver.
_CHATTER = re.compile(r'[IW]\d{4} |WARNING: All log messages before absl|To enable the following|'
                      r'E\d{4} .*failed call to cuInit.*\(303\)')


def start_tensorflow():
    """Imports TensorFlow, silenced, and makes TensorFlow 2.x build graphs as 1.15 does.

    Call it before importing anything that imports TensorFlow, which reads both variables at import.
    TF_CPP_MIN_LOG_LEVEL is set to show only errors (0 shows everything, 1 hides information), and
    TF_ENABLE_ONEDNN_OPTS to 1 where oneDNN's kernels are faster; values in the environment take
    precedence.

    Raises:
      UserError: TensorFlow cannot run on this CPU.
    """
    processor.require_avx()
    # By default TensorFlow uses oneDNN only on CPUs with fast 8 or 16-bit arithmetic, but it is
    # faster with AVX2 alone too; docs/speed.md has the measurements.
    if 'avx2' in processor.cpu_instructions():
        os.environ[_ONEDNN] = os.environ.get(_ONEDNN) or '1'
    # Child processes inherit the level.
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
            # TensorFlow 2.x: use the variables and control flow of 1.x.
            tf.disable_v2_behavior()
            tf.config.experimental.list_physical_devices('GPU')  # loads the driver here, silenced


def run_mode(function, run, model, augment, runtime, batch_flag):
    """Starts TensorFlow and calls the function of `--mode`; imports no other mode's modules.

    Args:
      function: 'module.name'. In a mode that trains it takes run, model, augment and runtime, else
        run, model and runtime.
      run: flags with `mode` and `export_batch`.
      model, augment, runtime: the other flags.
      batch_flag: name of the flag in `run` to lower if a prediction runs out of memory.
    """
    start_tensorflow()
    module, _, name = function.rpartition('.')
    function = getattr(importlib.import_module(module), name)
    if run.mode.startswith('train'):
        function(run, model, augment, runtime)
        return
    from npu_runtime.devices.choose import choose_device  # these import TensorFlow
    from npu_runtime.failures import explained
    flag = 'export_batch' if run.mode.startswith('export') else batch_flag
    with explained(choose_device(runtime), '--%s (now %d)' % (flag, getattr(run, flag))):
        function(run, model, runtime)


@contextlib.contextmanager
def _interruptible():
    """Makes Ctrl-C end the process, because some imported modules swallow KeyboardInterrupt."""
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
    """Filters what TensorFlow's C++ code writes to stderr."""
    try:
        caught, stderr = tempfile.TemporaryFile(), os.dup(2)
    except OSError:  # a full disk, or no stderr: do not filter
        yield
        return
    with caught:
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
