"""The distributed optimizer."""
import tensorflow.compat.v1 as tf

from npu_bridge import record
from npu_bridge.estimator.npu import util
from npu_bridge.hccl import hccl_ops


class NPUDistributedOptimizer(tf.train.Optimizer):
    """Averages gradients over the ranks inside of `compute_gradients`."""

    def __init__(self, optimizer, is_weight_update_sharding=False, name=None):
        record.add('NPUDistributedOptimizer', optimizer=optimizer)
        self._optimizer = optimizer
        super().__init__(use_locking=False,
                         name=name or 'Distributed' + type(optimizer).__name__)

    def compute_gradients(self, *args, **kwargs):
        pairs = self._optimizer.compute_gradients(*args, **kwargs)
        ranks = int(util.get_ranksize())
        return [(None if gradient is None else
                 tf.div(hccl_ops.allreduce(gradient, 'sum'), float(ranks)), variable)
                for gradient, variable in pairs]

    def apply_gradients(self, *args, **kwargs):
        return self._optimizer.apply_gradients(*args, **kwargs)
