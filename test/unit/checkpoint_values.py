"""The contents of a checkpoint, for comparisons."""
from npu_runtime import checkpoints


def values_of(prefix):
    """dict of arrays: everything in the checkpoint."""
    reader = checkpoints.open_reader(prefix)
    return {key: reader.get_tensor(key) for key in reader.get_variable_to_shape_map()}
