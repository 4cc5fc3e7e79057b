"""Errors of a device are reported in one line with device, cause and remedy."""
import pytest
import tensorflow.compat.v1 as tf

from npu_runtime.devices.choose import Device
from npu_runtime.failures import explained, first_line
from vo_common.errors import DeviceError, UserError

BATCH = '--batch_size (now 4)'

def test_an_error_of_the_pipeline_is_none_of_the_ranks_whatever_a_path_contains():
    error = tf.errors.UnknownError(None, None, 'UserError: cannot read image horovod/hccl.jpg')
    with pytest.raises(UserError, match='^cannot read image horovod/hccl.jpg$'):
        with explained(Device('cpu', ''), BATCH):
            raise error


INTERNAL, UNKNOWN = tf.errors.InternalError, tf.errors.UnknownError


@pytest.mark.parametrize('device, kind, message, parts', [
    ('gpu', tf.errors.ResourceExhaustedError, 'OOM when allocating tensor\n\t [[a]]',
     ['out of memory (OOM when allocating tensor)', 'another process', 'nvidia-smi',
      'lower --batch_size (now 4)']),
    ('gpu', INTERNAL, 'CUDA initialization failed. Status: out of memory',
     ['out of memory', 'nvidia-smi']),
    ('gpu', INTERNAL, 'No blas support for stream\n\t [[node MatMul]]',
     ['failed or was lost (No blas support for stream)', 'another process', '--device=cpu']),
    ('gpu', UNKNOWN, 'This is probably because cuDNN failed to initialize',
     ['failed or was lost (This is']),
    ('gpu', INTERNAL, 'GPU sync failed', ['failed or was lost (GPU sync failed']),
    ('npu', INTERNAL, 'GeOp1_0GEOP::::DoRunAsync Failed, E19999: Inner Error',
     ['failed or was lost', 'npu-smi info']),
    ('npu', tf.errors.AbortedError, 'Session was closed',
     ['the session was lost', 'another rank'])])
def test_a_device_error_is_reported_with_cause_remedy_and_checkpoint(device, kind, message, parts):
    with pytest.raises(DeviceError) as raised:
        with explained(Device(device, ''), BATCH, remains=lambda: '; resumes from model-5'):
            raise kind(None, None, message)
    said = str(raised.value)
    assert said.startswith('device %s: ' % device) and all(part in said for part in parts), said
    assert '\n' not in said and said.endswith('; resumes from model-5')


def test_the_first_line_omits_where_a_node_was_defined():
    made = "Detected at node 'save/SaveV2' defined at (most recent call last):\n<unavailable>\n"
    error = tf.errors.ResourceExhaustedError(
        None, None, 'Graph execution error:\n\n' + 2 * made + "Node: 'save/SaveV2'\n"
        '/run/model-5.data; No space left on device\n\t [[{{node save/SaveV2}}]]\n\n'
        "Original stack trace for 'save/SaveV2':\n")
    assert first_line(error) == '/run/model-5.data; No space left on device'


def test_a_programming_error_is_not_translated():
    with pytest.raises(tf.errors.InvalidArgumentError):
        with explained(Device('cpu', ''), BATCH):
            raise tf.errors.InvalidArgumentError(None, None, 'Incompatible shapes: [2] vs. [3]')
