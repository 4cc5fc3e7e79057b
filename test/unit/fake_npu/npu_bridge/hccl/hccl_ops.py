"""Collectives of a world in which every rank holds the same values."""
import os

import tensorflow.compat.v1 as tf

from npu_bridge import record


def allreduce(tensor, reduction, fusion=1, fusion_id=-1, group='hccl_world_group'):
    """The sum over the ranks; int64 and float64 are refused, as by the device."""
    record.add('allreduce', tensor=tensor, reduction=reduction, fusion=fusion)
    tensor = tf.convert_to_tensor(tensor)
    if tensor.dtype in (tf.int64, tf.float64):
        raise TypeError('HcomAllReduce refuses %s' % tensor.dtype.name)
    return tensor * world_size() if reduction == 'sum' else tf.identity(tensor)


def broadcast(tensor, root_rank, fusion=2, fusion_id=0, group='hccl_world_group'):
    """The list of tensors as rank `root_rank` has it."""
    record.add('broadcast', tensor=tensor, root_rank=root_rank)
    if not isinstance(tensor, list):
        raise TypeError('HcomBroadcast wants a list of tensors')
    return [tf.identity(one) for one in tensor]


def world_size():
    """Number of ranks."""
    return int(os.environ.get('RANK_SIZE', '1'))
