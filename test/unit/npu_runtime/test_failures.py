"""Errors of a device are reported in one line with device, cause and remedy."""
import os
import signal
import subprocess
import sys
import time

import pytest
import tensorflow.compat.v1 as tf

from repository import ROOT
from npu_runtime.devices.choose import Device
from npu_runtime.failures import explained, first_line
from vo_common.errors import EXIT_DEVICE_ERROR, DeviceError, UserError, run_main

BATCH = '--batch_size (now 4)'

OOM = tf.errors.ResourceExhaustedError(
    None, None, 'OOM when allocating tensor with shape[4,64,64,192] and type float\n\t [[conv]]')
NO_BLAS = tf.errors.InternalError(None, None, 'No blas support for stream\n\t [[node MatMul]]')
NO_DNN = tf.errors.UnknownError(
    None, None, 'Failed to get convolution algorithm. This is probably because cuDNN failed to '
                'initialize')
NO_ROOM = tf.errors.InternalError(
    None, None, 'CUDA runtime implicit initialization on GPU:0 failed. Status: out of memory')
LOST = tf.errors.InternalError(None, None, 'GPU sync failed')
NPU = tf.errors.InternalError(None, None, 'GeOp1_0GEOP::::DoRunAsync Failed, E19999: Inner Error')
RESET = tf.errors.AbortedError(None, None, 'Session was closed')


def test_an_error_of_the_pipeline_is_none_of_the_ranks_whatever_a_path_contains():
    error = tf.errors.UnknownError(None, None, 'UserError: cannot read image horovod/hccl.jpg')
    with pytest.raises(UserError, match='^cannot read image horovod/hccl.jpg$'):
        with explained(Device('cpu', ''), BATCH):
            raise error


@pytest.mark.parametrize('device, error, parts', [
    ('gpu', OOM, ['device gpu: out of memory (OOM when', 'another process', 'nvidia-smi',
                  'lower --batch_size (now 4)']),
    ('gpu', NO_ROOM, ['device gpu: out of memory', 'nvidia-smi']),
    ('cpu', OOM, ['device cpu: out of memory', 'lower --batch_size (now 4)']),
    ('gpu', NO_BLAS, ['device gpu: failed or was lost (No blas support', 'another process',
                      '--device=cpu']),
    ('gpu', NO_DNN, ['device gpu: failed or was lost (Failed to get convolution']),
    ('gpu', LOST, ['device gpu: failed or was lost (GPU sync failed']),
    ('npu', NPU, ['device npu: failed or was lost', 'npu-smi info']),
    ('npu', RESET, ['device npu: the session was lost', 'another rank'])])
def test_a_device_error_is_reported_with_cause_remedy_and_checkpoint(device, error, parts):
    with pytest.raises(DeviceError) as raised:
        with explained(Device(device, ''), BATCH, remains=lambda: '; resumes from model-5'):
            raise error
    for part in parts:
        assert part in str(raised.value)
    assert '\n' not in str(raised.value) and str(raised.value).endswith('; resumes from model-5')


def test_the_first_line_omits_where_a_node_was_defined():
    made = "Detected at node 'save/SaveV2' defined at (most recent call last):\n<unavailable>\n"
    error = tf.errors.ResourceExhaustedError(
        None, None, 'Graph execution error:\n\n' + 2 * made + "Node: 'save/SaveV2'\n"
        '/run/model-5.data; No space left on device\n\t [[{{node save/SaveV2}}]]\n\n'
        "Original stack trace for 'save/SaveV2':\n")
    assert first_line(error) == '/run/model-5.data; No space left on device'


def test_a_device_error_has_its_own_exit_status(capsys):
    def main():
        with explained(Device('gpu', ''), BATCH):
            raise OOM
    with pytest.raises(SystemExit) as ended:
        run_main(main)
    assert ended.value.code == EXIT_DEVICE_ERROR == 3
    assert capsys.readouterr().err.startswith('error: device gpu: out of memory')


def test_a_programming_error_is_not_translated():
    with pytest.raises(tf.errors.InvalidArgumentError):
        with explained(Device('cpu', ''), BATCH):
            raise tf.errors.InvalidArgumentError(None, None, 'Incompatible shapes: [2] vs. [3]')


def test_ctrl_c_during_imports_exits_with_130_and_one_line():
    program = ('import sys; sys.path.insert(0, %r); import vo_common.errors; print(1, flush=True)\n'
               'from npu_runtime.engine import start_tensorflow; start_tensorflow()\n'
               'import time; time.sleep(60)' % str(ROOT))
    process = subprocess.Popen([sys.executable, '-c', program], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, universal_newlines=True,
                               env={name: value for name, value in os.environ.items()
                                    if name != 'TF_CPP_MIN_LOG_LEVEL'})  # these tests have set it
    process.stdout.readline()
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert process.returncode == 130 and said == 'interrupted\n'
