"""TensorFlow starts silently unless the user sets a log level, and Ctrl-C ends its start."""
import signal
import subprocess
import sys
import time

import pytest

from repository import ROOT, run

START = 'from npu_runtime.engine import start_tensorflow; start_tensorflow()\n'
PROGRAM = START + (
    'import tensorflow.compat.v1 as tf\n'
    'with tf.Session(config=tf.ConfigProto(device_count={"GPU": 0})) as session:\n'
    '    images = tf.zeros([1, 2, 2, 1])\n'
    '    print(session.run(tf.shape(tf.image.resize_bilinear(images, [4, 4]))).tolist())\n'
    'tf.logging.error("an error")\n')


def said(**environ):
    ended = run('-c', PROGRAM, cwd=ROOT, **environ)
    assert ended.returncode == 0 and ended.stdout == '[1, 4, 4, 1]\n'
    return ended.stderr.splitlines()


@pytest.mark.parametrize('level', ['', '2'])  # 2 is what a child of a silenced program finds
def test_only_errors_are_shown(level):
    lines = said(TF_CPP_MIN_LOG_LEVEL=level)
    assert len(lines) == 1 and lines[0].endswith('an error')


def test_the_log_level_of_the_user_takes_precedence():
    assert len(said(TF_CPP_MIN_LOG_LEVEL='0')) > 1


def test_ctrl_c_while_tensorflow_is_imported_exits_with_130_and_one_line():
    process = subprocess.Popen(
        [sys.executable, '-c', 'import time, vo_common.errors; print("ready", flush=True)\n'
         + START + 'time.sleep(60)'],
        cwd=str(ROOT), stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    assert process.stdout.readline() == 'ready\n'
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130 and err == 'interrupted\n'


def test_flags_are_read_without_tensorflow():
    done = run('-c', 'import sys, geonet.main, convlstm_vo.main, npu_runtime.run_folder\n'
                     'assert "tensorflow" not in sys.modules', cwd=ROOT)
    assert done.returncode == 0, done.stderr
