"""Collectives of a world in which every rank holds the same values."""
import os

import tensorflow.compat.v1 as tf

from npu_bridge import ops, record
from npu_bridge.estimator.npu import util


def allreduce(tensor, reduction, fusion=1, fusion_id=-1, group='hccl_world_group'):
    """The sum over the ranks; int64 and float64 are refused, as by the device."""
    del fusion_id, group
    record.add('allreduce', tensor=tensor, reduction=reduction, fusion=fusion)
    tensor = tf.convert_to_tensor(tensor)
    if tensor.dtype in (tf.int64, tf.float64):
        raise TypeError('HcomAllReduce refuses %s' % tensor.dtype.name)
    if tensor.dtype == tf.int32 and tensor.shape.as_list() == [int(util.get_ranksize()), 2]:
        return ops.all_reduce(_filled(tensor), 1)
    return ops.all_reduce(tensor, int(util.get_ranksize()) if reduction == 'sum' else 1)


def broadcast(tensor, root_rank, fusion=2, fusion_id=0, group='hccl_world_group'):
    """The list of tensors as rank `root_rank` has it."""
    del fusion, fusion_id, group
    record.add('broadcast', tensor=tensor, root_rank=root_rank)
    if not isinstance(tensor, list):
        raise TypeError('HcomBroadcast takes a list of tensors')
    return [ops.broadcast(one) for one in tensor]


def _filled(table):
    """A table of which each rank fills its own row; theirs are as this one's, or as is recorded."""
    own = int(os.environ.get('RANK_ID', 0))
    rows = [record.rows.get(rank, table[own]) for rank in range(int(util.get_ranksize()))]
    return tf.stack(rows)
