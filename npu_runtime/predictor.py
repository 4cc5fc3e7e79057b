"""Runs prediction graphs over any number of frames, in batches."""
import itertools

import numpy as np
import tensorflow.compat.v1 as tf

from npu_runtime import checkpoints
from npu_runtime.session import inference_session
from vo_common.console import progress
from vo_common.errors import UserError
from vo_common.parallel import read_ahead


class BatchedGraph:
    """A prediction graph with static shapes, built in the default graph.

    Attributes:
      outputs: dict, name -> tensor [batch_size, ...].
      fetches: dict, name -> name of that tensor.

    Args:
      build: function that takes input tensors by name and returns a dict of output tensors by name;
        the first axis of all is the batch.
      input_shapes: name -> shape of one example.
      batch_size: examples per call; the last batch is padded.
      dtypes: name -> numpy dtype; default uint8.
    """

    def __init__(self, build, input_shapes, batch_size, dtypes=None):
        self._batch_size = batch_size
        inputs = {name: tf.placeholder((dtypes or {}).get(name, np.uint8), (batch_size, *shape),
                                       name=name)
                  for name, shape in input_shapes.items()}
        self.outputs = build(**inputs)
        # Names, because the session of a prediction holds a frozen copy of this graph.
        self._inputs = {name: tensor.name for name, tensor in inputs.items()}
        self.fetches = {name: tensor.name for name, tensor in self.outputs.items()}

    def run(self, session, examples, total=None, desc=''):
        """Yields a dict of outputs, without the batch axis, for each example.

        Computes the next batch while the caller handles the current outputs.

        Args:
          session: tf.Session of this graph or of a copy, with initialised variables.
          examples: iterable of dicts of arrays, one per example.
          total, desc: number of examples and label of the progress bar.
        """
        def compute(batch):
            padded = batch + [batch[-1]] * (self._batch_size - len(batch))
            feed = {tensor: np.stack([example[name] for example in padded])
                    for name, tensor in self._inputs.items()}
            return len(batch), session.run(self.fetches, feed)

        examples = iter(examples)
        batches = iter(lambda: list(itertools.islice(examples, self._batch_size)), [])
        with progress(total=total, desc=desc, unit='example') as bar:
            for count, outputs in read_ahead(compute, batches, 1):
                bar.update(count)
                for row in range(count):
                    yield {name: values[row] for name, values in outputs.items()}


class Predictor:
    """A BatchedGraph with its own session, restored from a checkpoint.

    Attributes:
      checkpoint: prefix of the checkpoint.
      graph: the <BatchedGraph>.
      session: tf.Session.

    Args:
      make_graph: function without arguments that builds the <BatchedGraph>.
      checkpoint: prefix or folder.
      runtime: <RuntimeConfig>.

    Raises:
      UserError: the checkpoint is missing or lacks a variable of the graph.
    """

    def __init__(self, make_graph, checkpoint, runtime):
        self.checkpoint = checkpoints.latest(checkpoint)
        with tf.Graph().as_default() as graph:
            self.graph = make_graph()
            self.session = inference_session(runtime, graph, self.checkpoint,
                                             list(self.graph.outputs.values()))

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.session.close()

    def __call__(self, examples, total=None, desc=''):
        """As `BatchedGraph.run`, but raises a UserError at the first output that is not finite."""
        for place, outputs in enumerate(self.graph.run(self.session, examples, total, desc)):
            if not all(np.isfinite(values).all() for values in outputs.values()):
                raise UserError('checkpoint %s: predicts values that are not finite (%s number %d)'
                                '; its training diverged or it is damaged (choose an earlier one)'
                                % (self.checkpoint, desc, place))
            yield outputs
