"""Freezes a graph for offline inference, as a .pb file with the command for atc, and as ONNX."""
import os

import numpy as np
import tensorflow.compat.v1 as tf

from npu_runtime import checkpoints
from npu_runtime.session import freeze, host_session, make_session
from vo_common.console import log
from vo_common.errors import UserError
from vo_common.files import atomic_write, make_folder

# Largest difference between the outputs of a frozen graph and of the checkpoint, relative to the
# largest value. They differ by the order of summation.
TOLERANCE = 1e-4
_ONNX_OPSET = 13


def export_graph(build, inputs, checkpoint, prefix, flags, runtime):
    """Freezes a graph with the weights of a checkpoint and compares the written files with it.

    Writes `<prefix>.pb` and, with `--onnx`, `<prefix>.onnx`, and prints the `atc` command.

    Args:
      build: function of the inputs, <tf.Tensor>s, that returns the output.
      inputs: list of (dtype, static shape); they are named `input/Placeholder`,
        `input/Placeholder_1`, ...
      checkpoint: prefix or folder.
      prefix: path without suffix.
      flags: <ExportFlags>.
      runtime: <RuntimeConfig>.

    Raises:
      UserError: the checkpoint lacks a variable, the output of a written file differs, or tf2onnx
        is not installed.
    """
    prefix = os.path.abspath(prefix)
    with tf.Graph().as_default():
        with tf.name_scope('input'):
            inputs = [tf.placeholder(dtype, shape, name='Placeholder') for dtype, shape in inputs]
        output = build(*inputs)
        feed = {tensor.name: _example(tensor) for tensor in inputs}
        with make_session(runtime) as session:
            checkpoints.restore(session, checkpoint)
            make_folder(os.path.dirname(prefix))
            graph_def, expected = freeze(session, [output]), session.run(output, feed)
    outputs = [output.name]
    _write(prefix + '.pb', graph_def, run_frozen, feed, outputs, expected)
    if flags.onnx:
        onnx = to_onnx(graph_def, list(feed), outputs)
        _write(prefix + '.onnx', onnx, run_onnx, feed, outputs, expected)
    log('for an Ascend chip:\n  ' + atc_command(prefix, inputs, output, flags.soc_version))


def _write(path, message, run, feed, outputs, expected):
    """Writes a protobuf to `path`, and runs the file to compare its only output with `expected`.

    Logs the largest absolute difference; raises a UserError if it exceeds `TOLERANCE`.

    Args:
      run: `run_frozen` or `run_onnx`.
      expected: the output of the checkpoint.
    """
    with atomic_write(path, 'wb') as stream:
        stream.write(message.SerializeToString(deterministic=True))
    found = run(path, feed, outputs)
    if found is None:
        log('written: %s (not run: onnxruntime is not installed)' % path)
        return
    error = float(np.max(np.abs(found[0] - expected)))
    if not error <= TOLERANCE * max(float(np.max(np.abs(expected))), 1.):
        raise UserError('%s: its output differs from the checkpoint\'s by %g' % (path, error))
    log('written: %s (largest difference from the checkpoint %.2g)' % (path, error))


def run_frozen(path, feed, outputs):
    """Runs the frozen graph in `path`, with feed and outputs by tensor name; returns arrays."""
    graph_def = tf.GraphDef()
    with open(path, 'rb') as stream:
        graph_def.ParseFromString(stream.read())
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name='')
    with host_session(graph) as session:
        return session.run(outputs, feed)


def atc_command(prefix, inputs, output, soc_version):
    """Returns the command that compiles `<prefix>.pb` to an offline model for `soc_version`."""
    shapes = ';'.join('%s:%s' % (tensor.op.name, ','.join(str(n) for n in tensor.shape.as_list()))
                      for tensor in inputs)
    image_like = all(tensor.shape.ndims == 4 for tensor in inputs)
    return ('atc --model=%s.pb --framework=3 --output=%s --soc_version=%s --input_format=%s '
            '--input_shape="%s" --out_nodes="%s"' % (
                prefix, prefix, soc_version, 'NHWC' if image_like else 'ND', shapes,
                output.name))


def to_onnx(graph_def, inputs, outputs):
    """Converts a frozen graph, with inputs and outputs by tensor name, to an ONNX ModelProto."""
    try:
        import tf2onnx
    except ImportError as error:
        raise UserError('ONNX needs tf2onnx, which does not import (%s); install it '
                        "with: pip install '.[onnx]'" % error) from error
    model, _ = tf2onnx.convert.from_graph_def(
        graph_def, input_names=inputs, output_names=outputs, opset=_ONNX_OPSET)
    return model


def run_onnx(path, feed, outputs):
    """Runs an ONNX file: returns arrays, or None if onnxruntime is not installed."""
    try:
        import onnxruntime
    except ImportError:
        return None
    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    return session.run(outputs, feed)


def _example(tensor):
    """Random input: image levels for integer dtypes, else normal values around zero."""
    random = np.random.RandomState(0)
    dtype = tensor.dtype.as_numpy_dtype
    shape = tensor.shape.as_list()
    if np.issubdtype(dtype, np.integer):
        return random.randint(0, np.iinfo(dtype).max, shape).astype(dtype)
    return random.normal(0, 0.2, shape).astype(dtype)
