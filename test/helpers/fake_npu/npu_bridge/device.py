"""The emulated device: what the plugin makes of a session call."""
import tensorflow.compat.v1 as tf
from tensorflow.python.client import session as session_module

from npu_bridge import record

_run = session_module.BaseSession.run
_loops = {}  # IterationOp -> (one step, variable with the number of steps less one)
_seen = set()


def attach():
    """Makes sessions whose configuration names the plugin run on the device."""
    session_module.BaseSession.run = _run_on_device


def detach():
    """Gives TensorFlow its sessions back."""
    session_module.BaseSession.run = _run


def add_loop(iteration_op, train_op, inner_steps):
    """Makes `iteration_op` run `train_op` as often as the variable says, and once more."""
    _loops[iteration_op] = (train_op, inner_steps)


def _run_on_device(session, fetches, feed_dict=None, options=None, run_metadata=None):
    config = session._config  # pylint: disable=protected-access
    values = record.options(config) if config else None
    if values is not None:
        record.given = values
        fetched = [session.graph.as_graph_element(fetch) for fetch in tf.nest.flatten(fetches)]
        _note_graph(session, fetched)
        for op in fetched:
            if op in _loops and values.get('iterations_per_loop', 1) > 1:
                train_op, inner_steps = _loops[op]
                for _ in range(int(_run(session, inner_steps))):
                    _run(session, train_op, feed_dict)
    return _run(session, fetches, feed_dict, options, run_metadata)


def _note_graph(session, fetched):
    names = frozenset(fetch.name for fetch in fetched)
    if (session, names) in _seen:
        return
    _seen.add((session, names))
    needed = tf.graph_util.extract_sub_graph(
        session.graph.as_graph_def(), [getattr(fetch, 'op', fetch).name for fetch in fetched]).node
    record.graphs.append((names, any(node.op.startswith('Hcom') for node in needed)))
