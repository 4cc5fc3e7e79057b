"""Several ranks: HCCL on NPUs, Horovod elsewhere, or a single process.

The three classes have the same interface: `size`, `rank`, `local_rank` and `local_size` (index and
number of ranks on this host; None and 1 if the process does not share devices with other ranks),
`broadcasts_everything` (if false, integers are not broadcast: every rank reads the checkpoint, and
`gather(counts)` compares the results), `wrap(optimizer)`, `average(tensor)`,
`broadcast(variables)`, `agree_on_start(counts, proto)`. They add tensors and operations to the
default graph.
"""
import os
import re

import numpy as np
import tensorflow.compat.v1 as tf

from npu_runtime.devices.rank_table import read_rank_table
from vo_common.errors import UserError


def connect(device):
    """Joins the ranks with which this process was launched: an instance of one of the classes.

    Raises a UserError if the environment of a launch is incomplete or does not fit the device.
    """
    ranks = _whole_number('RANK_SIZE')
    if device.kind == 'npu':
        _refuse_launch_by_chief()
        return HcclRanks(ranks, _hccl_rank(ranks)) if ranks > 1 else SingleProcess()
    if _horovod_size() > 1:
        return HorovodRanks()
    if ranks > 1:
        raise UserError(
            'RANK_SIZE is %d, which starts ranks on NPUs, but the device is %s (%s); on other '
            'devices launch with scripts/train_multi.sh --np %d, or unset RANK_SIZE'
            % (ranks, device.kind, device.reason, ranks))
    return SingleProcess()


def launched_size():
    """The number of ranks with which this process was launched, known before `connect`."""
    return max(_whole_number('RANK_SIZE'), _horovod_size())


class SingleProcess:
    """One rank: every method returns its input."""
    size, rank, local_rank, local_size = 1, 0, None, 1
    broadcasts_everything = True

    def wrap(self, optimizer):
        return optimizer

    def average(self, tensor):
        return tensor

    def broadcast(self, variables):
        del variables
        return tf.no_op()

    def agree_on_start(self, counts, proto):
        return counts


class HorovodRanks:
    """CPU or GPU processes started by `horovodrun` (scripts/train_multi.sh)."""
    broadcasts_everything = True

    def __init__(self):
        try:
            import horovod.tensorflow as horovod
        except ImportError as error:
            raise UserError('launched as several ranks, but Horovod does not import (%s); '
                            'scripts/install_horovod.sh installs it' % error) from error
        horovod.init()
        self._horovod = horovod
        self.size, self.rank = horovod.size(), horovod.rank()
        self.local_rank, self.local_size = horovod.local_rank(), horovod.local_size()

    def wrap(self, optimizer):
        """An optimizer whose `compute_gradients` averages over the ranks."""
        return self._horovod.DistributedOptimizer(optimizer)

    def average(self, tensor):
        """The mean of a float32 tensor over the ranks."""
        return self._horovod.allreduce(tensor, op=self._horovod.Average)

    def broadcast(self, variables):
        """An operation that gives every rank the values of rank 0."""
        return tf.group(*[tf.assign(variable, self._horovod.broadcast(variable, root_rank=0))
                          for variable in variables])

    def agree_on_start(self, counts, proto):
        """The counts (list of int) of rank 0; hosts need not share the folder of the run.

        Runs the first session of the process, which sets the number of threads of all later
        sessions; `proto` is therefore the tf.ConfigProto of the training.
        """
        with tf.Graph().as_default():
            agreed = self._horovod.broadcast(tf.constant(counts, tf.int64), root_rank=0)
            with tf.Session(config=proto) as session:
                return session.run(agreed).tolist()


class HcclRanks:
    """NPU processes, one for each entry of a rank table."""
    broadcasts_everything = False
    local_rank, local_size = None, 1

    def __init__(self, size, rank):
        self.size, self.rank = size, rank

    def wrap(self, optimizer):
        """An optimizer whose `compute_gradients` averages over the ranks."""
        from npu_bridge.estimator.npu.npu_optimizer import NPUDistributedOptimizer
        return NPUDistributedOptimizer(optimizer)

    def average(self, tensor):
        """The mean of a float32 tensor over the ranks, in a separate exchange.

        By default the plugin fuses it with the all-reduces of the gradients, where a logged value
        could delay the first group.
        """
        from npu_bridge.hccl import hccl_ops
        return hccl_ops.allreduce(tensor, 'sum', fusion=0) / self.size

    def broadcast(self, variables):
        """An operation that gives every rank the float values of rank 0.

        Replaces the plugin's broadcast hook, which covers only trainable variables: moving averages
        of batch norm and Adam's moments would differ between ranks.
        """
        from npu_bridge.hccl import hccl_ops
        assigns = []
        for variable in variables:
            if variable.dtype.base_dtype.is_floating:
                value, = hccl_ops.broadcast([variable], 0)
                assigns.append(tf.assign(variable, value))
        return tf.group(*assigns)

    def agree_on_start(self, counts, proto):
        """Returns `counts`: every rank reads the folder, and `gather` compares the results."""
        return counts

    def gather(self, counts):
        """The counts (list of int) of every rank: <int32>[size, len(counts)].

        Each rank contributes its own row to a sum of integers, which no precision mode rounds.
        """
        from npu_bridge.hccl import hccl_ops
        table = np.zeros([self.size, len(counts)], np.int32)
        table[self.rank] = np.minimum(counts, np.iinfo(np.int32).max)
        return hccl_ops.allreduce(tf.constant(table), 'sum', fusion=0)


def _refuse_launch_by_chief():
    """Refuses the plugin's launch without a rank table, with which the ranks would not connect."""
    for name, refused in (
            ('CM_WORKER_SIZE', os.environ.get('RANK_SIZE') or _whole_number('CM_WORKER_SIZE') > 1),
            ('CM_CHIEF_IP', os.environ.get('RANK_TABLE_FILE'))):
        if os.environ.get(name) and refused:
            raise UserError('%s=%s in the environment: must be unset, like all variables that '
                            'begin with CM_ (ranks are launched with RANK_SIZE, RANK_ID and '
                            'RANK_TABLE_FILE, as test/train_full_8p.sh does)'
                            % (name, os.environ[name]))


def _hccl_rank(size):
    """The rank of this process, whose card it selects; checks that HCCL finds all it needs."""
    missing = [name for name in ('RANK_ID', 'JOB_ID', 'RANK_TABLE_FILE')
               if not os.environ.get(name)]
    if missing:
        raise UserError('RANK_SIZE is %d, but the environment lacks %s; test/train_full_8p.sh '
                        'sets them' % (size, ', '.join(missing)))
    rank = _whole_number('RANK_ID', at_least=0)
    if rank >= size:
        raise UserError('RANK_ID=%d in the environment: must be 0 to %d, RANK_SIZE being %d'
                        % (rank, size - 1, size))
    cards = read_rank_table(os.path.abspath(os.environ['RANK_TABLE_FILE']), size)
    os.environ['ASCEND_DEVICE_ID'] = cards[rank]  # the launcher need not know it
    return rank


def _horovod_size():
    return max(_whole_number('HOROVOD_SIZE'), _whole_number('OMPI_COMM_WORLD_SIZE'))


def _whole_number(name, at_least=1):
    """The value of an environment variable; `at_least` if it is unset or empty."""
    text = os.environ.get(name) or str(at_least)
    if not re.match(r'[0-9]{1,9}\Z', text) or int(text) < at_least:
        raise UserError('%s=%s in the environment: must be a whole number of at least %d'
                        % (name, text, at_least))
    return int(text)
