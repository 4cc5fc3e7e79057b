"""TensorFlow starts silently unless the user sets a log level."""
import pytest

from repository import ROOT, run

PROGRAM = ('import sys; sys.path.insert(0, %r)\n'
           'from npu_runtime.engine import start_tensorflow; start_tensorflow()\n'
           'import tensorflow.compat.v1 as tf\n'
           'with tf.Session(config=tf.ConfigProto(device_count={"GPU": 0})) as session:\n'
           '    images = tf.zeros([1, 2, 2, 1])\n'
           '    print(session.run(tf.shape(tf.image.resize_bilinear(images, [4, 4]))).tolist())\n'
           'tf.logging.error("an error")\n' % str(ROOT))


def said(**environ):
    ended = run('-c', PROGRAM, **environ)
    assert ended.returncode == 0 and ended.stdout == '[1, 4, 4, 1]\n'
    return ended.stderr.splitlines()


@pytest.mark.parametrize('level', ['', '2'])  # 2 is what a child of a silenced program finds
def test_only_errors_are_shown(level):
    lines = said(TF_CPP_MIN_LOG_LEVEL=level)
    assert len(lines) == 1 and lines[0].endswith('an error')


def test_the_log_level_of_the_user_takes_precedence():
    assert len(said(TF_CPP_MIN_LOG_LEVEL='0')) > 1


def test_flags_are_read_without_tensorflow():
    done = run('-c', 'import sys; sys.path.insert(0, %r)\n'
                     'import geonet.main, convlstm_vo.main, npu_runtime.run_folder\n'
                     'assert "tensorflow" not in sys.modules' % str(ROOT))
    assert done.returncode == 0, done.stderr
