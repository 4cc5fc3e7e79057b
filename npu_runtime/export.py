"""Freezes a graph for offline inference, as a .pb file with the command for atc, and as ONNX."""
import os

import numpy as np
import tensorflow.compat.v1 as tf

from vo_common.errors import UserError
from vo_common.files import atomic_write, make_folder
from vo_common.console import log

# Largest difference between the outputs of a frozen graph and of the checkpoint, relative to the
# largest value. They differ by the order of summation.
TOLERANCE = 1e-4
_ONNX_OPSET = 13


def export_graph(session, inputs, outputs, prefix, soc_version, onnx=False):
    """Freezes the session's graph and compares the written files with the session.

    Writes `<prefix>.pb` and, with `onnx`, `<prefix>.onnx`, and prints the `atc` command.

    Args:
      session: tf.Session with its variables loaded.
      inputs: list of placeholders with static shapes.
      outputs: list of tensors; they and the inputs keep their names.
      prefix: path without suffix.
      soc_version: name of the chip, for `atc`.
      onnx: whether to write ONNX too; requires tf2onnx.

    Raises:
      UserError: the outputs of a written file differ, or tf2onnx is not installed.
    """
    make_folder(os.path.dirname(prefix))
    graph_def = freeze(session, outputs)
    feed = {tensor.name: _example(tensor) for tensor in inputs}
    names = [tensor.name for tensor in outputs]
    expected = session.run(outputs, feed)
    path = prefix + '.pb'
    _write(path, graph_def)
    _compare(path, run_frozen(path, feed, names), expected)
    if onnx:
        path = prefix + '.onnx'
        _write(path, to_onnx(graph_def, list(feed), names))
        _compare(path, run_onnx(path, feed, names), expected)
    log('for an Ascend chip:\n  ' + atc_command(prefix, inputs, outputs, soc_version))


def _write(path, message):
    with atomic_write(path, 'wb') as stream:
        stream.write(message.SerializeToString(deterministic=True))


def freeze(session, outputs):
    """Returns the GraphDef that computes `outputs`, with variables as constants and no devices."""
    graph_def = tf.graph_util.convert_variables_to_constants(
        session, session.graph.as_graph_def(), [tensor.op.name for tensor in outputs])
    graph_def = tf.graph_util.remove_training_nodes(
        graph_def, protected_nodes=[tensor.op.name for tensor in outputs])
    for node in graph_def.node:
        node.device = ''
    return graph_def


def run_frozen(path, feed, outputs):
    """Runs the frozen graph in `path`, with feed and outputs by tensor name; returns arrays."""
    graph_def = tf.GraphDef()
    with open(path, 'rb') as stream:
        graph_def.ParseFromString(stream.read())
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name='')
    with host_session(graph) as session:
        return session.run(outputs, feed)


def host_session(graph):
    """Returns a tf.Session on the CPU, for loading and freezing weights on any machine."""
    return tf.Session(graph=graph, config=tf.ConfigProto(device_count={'GPU': 0}))


def atc_command(prefix, inputs, outputs, soc_version):
    """Returns the command that compiles `<prefix>.pb` to an offline model for `soc_version`."""
    shapes = ';'.join('%s:%s' % (tensor.op.name, ','.join(str(n) for n in tensor.shape.as_list()))
                      for tensor in inputs)
    image_like = all(tensor.shape.ndims == 4 for tensor in inputs)
    return ('atc --model=%s.pb --framework=3 --output=%s --soc_version=%s --input_format=%s '
            '--input_shape="%s" --out_nodes="%s"' % (
                prefix, prefix, soc_version, 'NHWC' if image_like else 'ND', shapes,
                ';'.join(tensor.name for tensor in outputs)))


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


def _compare(path, found, expected):
    """Logs the largest absolute difference; raises a UserError if it exceeds `TOLERANCE`."""
    if found is None:
        log('written: %s (not run: onnxruntime is not installed)' % path)
        return
    error = 0.
    for one, other in zip(found, expected):
        difference = float(np.max(np.abs(one - other)))
        if not difference <= TOLERANCE * max(float(np.max(np.abs(other))), 1.):
            raise UserError('%s: its output differs from the checkpoint\'s by %g'
                            % (path, difference))
        error = max(error, difference)
    log('written: %s (largest difference from the checkpoint %.2g)' % (path, error))
