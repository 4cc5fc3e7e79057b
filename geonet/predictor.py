"""Runs one of the prediction graphs over frames, batch by batch."""
import itertools

import numpy as np
import tensorflow.compat.v1 as tf

from common.progress import progress
from npu_runtime import checkpoints
from npu_runtime.session import make_session


class Predictor:
    """A prediction graph with static shapes, restored from a checkpoint.

    Args:
      build: function of input tensors by name, returns a dict of output tensors by name; the
        first axis of each is the batch.
      input_shapes: name -> shape of one example; inputs are uint8 unless named in `dtypes`.
      checkpoint: prefix or folder.
      batch_size: examples a call; the last batch is filled up and the filling dropped.
      runtime: <RuntimeConfig>.
      dtypes: name -> numpy dtype, where it is not uint8.

    Raises:
      UserError: the checkpoint is missing or lacks a variable of the graph.
    """

    def __init__(self, build, input_shapes, checkpoint, batch_size, runtime, dtypes=None):
        dtypes = dtypes or {}
        self.checkpoint = checkpoints.latest(checkpoint)
        self._batch_size = batch_size
        with tf.Graph().as_default() as graph:
            self._inputs = {
                name: tf.placeholder(dtypes.get(name, np.uint8), (batch_size,) + tuple(shape),
                                     name=name)
                for name, shape in input_shapes.items()}
            self._outputs = build(**self._inputs)
            self._session = make_session(runtime, graph)
            checkpoints.restore(self._session, self.checkpoint, tf.model_variables())

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._session.close()

    def __call__(self, examples, total=None, desc=''):
        """Yields a dict of outputs, without the batch axis, for each of `examples`.

        Args:
          examples: iterable of dicts of arrays, one example each.
          total: how many there are, for the progress bar.
          desc: what the progress bar says.
        """
        with progress(total=total, desc=desc, unit='image') as bar:
            for batch in _batches(examples, self._batch_size):
                feed = {placeholder: _stacked([example[name] for example in batch],
                                              self._batch_size)
                        for name, placeholder in self._inputs.items()}
                outputs = self._session.run(self._outputs, feed)
                bar.update(len(batch))
                for row in range(len(batch)):
                    yield {name: values[row] for name, values in outputs.items()}


def _batches(examples, size):
    examples = iter(examples)
    while True:
        batch = list(itertools.islice(examples, size))
        if not batch:
            return
        yield batch


def _stacked(arrays, size):
    """[size, ...]: the arrays, the last one repeated where they are fewer."""
    return np.stack(arrays + [arrays[-1]] * (size - len(arrays)))
