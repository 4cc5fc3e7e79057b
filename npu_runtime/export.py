"""Freezing a graph for offline inference: a .pb, the atc command that compiles it, and ONNX."""
import os

import numpy as np
import tensorflow.compat.v1 as tf

from vo_common.errors import UserError
from vo_common.files import atomic_write, make_folder
from vo_common.console import log

# Largest difference of a frozen graph's output from the checkpoint's, relative to its largest
# value: the order of summation differs.
TOLERANCE = 1e-4
_ONNX_OPSET = 13


def export_graph(session, inputs, outputs, prefix, soc_version, onnx=False, seed=0):
    """Freezes the session's graph and checks the files against the session itself.

    Writes `<prefix>.pb`, with `onnx` also `<prefix>.onnx`, and prints the `atc` command.

    Args:
      session: tf.Session with its variables loaded.
      inputs: list of placeholders, shapes static.
      outputs: list of tensors; they and the inputs keep their names.
      prefix: path without suffix.
      soc_version: chip, for `atc`.
      onnx: whether to write ONNX too; needs tf2onnx.
      seed: of the random inputs of the check.

    Returns:
      dict: 'pb' and 'onnx' (path or None), 'atc' (command), 'pb_error', 'onnx_error' (largest
      difference from the session's outputs, or None if onnxruntime is not installed).

    Raises:
      UserError: the outputs of a written file differ, or tf2onnx is not installed.
    """
    make_folder(os.path.dirname(prefix))
    graph_def = freeze(session, outputs)
    with atomic_write(prefix + '.pb', 'wb') as stream:
        stream.write(graph_def.SerializeToString(deterministic=True))
    feed = {tensor.name: _example(tensor, seed) for tensor in inputs}
    expected = session.run(outputs, feed)
    names = [tensor.name for tensor in outputs]
    result = {'pb': prefix + '.pb', 'onnx': None, 'onnx_error': None,
              'atc': atc_command(prefix, inputs, outputs, soc_version)}
    result['pb_error'] = _compare(result['pb'], run_frozen(result['pb'], feed, names), expected)
    log('written: %s (largest difference from the checkpoint %.2g)'
        % (result['pb'], result['pb_error']))
    if onnx:
        result['onnx'] = write_onnx(graph_def, prefix + '.onnx', list(feed), names)
        found = run_onnx(result['onnx'], feed, names)
        if found is not None:
            result['onnx_error'] = _compare(result['onnx'], found, expected)
        log('written: %s (%s)' % (result['onnx'], 'not run: onnxruntime is not installed'
                                  if found is None else 'largest difference from the checkpoint '
                                  '%.2g' % result['onnx_error']))
    log('for an Ascend chip:\n  ' + result['atc'])
    return result


def freeze(session, outputs):
    """Returns the GraphDef that computes `outputs`, with constants for variables, no devices."""
    graph_def = tf.graph_util.convert_variables_to_constants(
        session, session.graph.as_graph_def(), [tensor.op.name for tensor in outputs])
    graph_def = tf.graph_util.remove_training_nodes(
        graph_def, protected_nodes=[tensor.op.name for tensor in outputs])
    for node in graph_def.node:
        node.device = ''
    return graph_def


def run_frozen(path, feed, outputs):
    """Runs the frozen graph in `path`: feed and outputs by tensor name, returns arrays."""
    graph_def = tf.GraphDef()
    with open(path, 'rb') as stream:
        graph_def.ParseFromString(stream.read())
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name='')
        # A numerical check, always on the host.
        with tf.Session(graph=graph, config=tf.ConfigProto(device_count={'GPU': 0})) as session:
            return session.run(outputs, feed)


def atc_command(prefix, inputs, outputs, soc_version):
    """Returns the command that compiles `<prefix>.pb` to an offline model for `soc_version`."""
    shapes = ';'.join('%s:%s' % (tensor.op.name, ','.join(str(n) for n in tensor.shape.as_list()))
                      for tensor in inputs)
    image_like = all(tensor.shape.ndims == 4 for tensor in inputs)
    return ('atc --model=%s.pb --framework=3 --output=%s --soc_version=%s --input_format=%s '
            '--input_shape="%s" --out_nodes="%s"' % (
                prefix, prefix, soc_version, 'NHWC' if image_like else 'ND', shapes,
                ';'.join(tensor.name for tensor in outputs)))


def write_onnx(graph_def, path, inputs, outputs):
    """Converts a frozen graph with tf2onnx, inputs and outputs by tensor name; returns the path."""
    try:
        import tf2onnx
    except ImportError as error:
        raise UserError('ONNX needs tf2onnx, which does not import (%s); install it '
                        "with: pip install '.[onnx]'" % error) from error
    model, _ = tf2onnx.convert.from_graph_def(
        graph_def, input_names=inputs, output_names=outputs, opset=_ONNX_OPSET)
    with atomic_write(path, 'wb') as stream:
        stream.write(model.SerializeToString(deterministic=True))
    return path


def run_onnx(path, feed, outputs):
    """Runs an ONNX file: returns arrays, or None if onnxruntime is not installed."""
    try:
        import onnxruntime
    except ImportError:
        return None
    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    return session.run(outputs, feed)


def _example(tensor, seed):
    """Random input: image levels for integer dtypes, else normal values around zero."""
    random = np.random.RandomState(seed)
    dtype = tensor.dtype.as_numpy_dtype
    shape = tensor.shape.as_list()
    if np.issubdtype(dtype, np.integer):
        return random.randint(0, np.iinfo(dtype).max, shape).astype(dtype)
    return random.normal(0, 0.2, shape).astype(dtype)


def _compare(path, found, expected):
    """Largest absolute difference; a UserError if it exceeds `TOLERANCE`."""
    error = 0.
    for one, other in zip(found, expected):
        difference = float(np.max(np.abs(one - other)))
        if not difference <= TOLERANCE * max(float(np.max(np.abs(other))), 1.):
            raise UserError('%s: its output differs from the checkpoint\'s by %g'
                            % (path, difference))
        error = max(error, difference)
    return error
