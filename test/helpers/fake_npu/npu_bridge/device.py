"""The emulated device: what the plugin makes of a session call."""
import json
import os

import tensorflow.compat.v1 as tf
from tensorflow.python.client import session as session_module

from npu_bridge import parser, record

_run = session_module.BaseSession.run
_loops = {}  # IterationOp -> (one step, variable with the number of steps less one)
_seen = set()


def attach():
    """Makes sessions whose configuration names the plugin run on the device."""
    session_module.BaseSession.run = _run_on_device


def detach():
    """Gives TensorFlow its sessions back."""
    session_module.BaseSession.run = _run
    _loops.clear()
    _seen.clear()


def add_loop(iteration_op, train_op, inner_steps):
    """Makes `iteration_op` run `train_op` as often as the variable says, and once more."""
    _loops[iteration_op] = (train_op, inner_steps)


def _run_on_device(session, fetches, feed_dict=None, options=None, run_metadata=None):
    config = session._config  # pylint: disable=protected-access
    values = parser.read(config) if config else None
    if values is not None:
        parser.check(values)
        threads = config.inter_op_parallelism_threads or len(os.sched_getaffinity(0))
        if values.get('enable_data_pre_proc') and threads == 1:
            raise record.Hang('the one thread waits for data that it would have to fetch')
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
    needed, waiting = set(), [getattr(fetch, 'op', fetch) for fetch in fetched]
    while waiting:
        op = waiting.pop()
        if op not in needed:
            needed.add(op)
            waiting += [tensor.op for tensor in op.inputs] + list(op.control_inputs)
    record.graphs.append((names, any(op.type.startswith('Hcom') for op in needed)))
    _report_host_operations(op for op in needed if op.type == 'SaveV2')


def _report_host_operations(operations):
    """Writes over the file in the working folder that names what the plugin leaves to the host."""
    found = [{'name': op.name, 'type': op.type, 'is_support': False, 'not_support_reason': {
        'code': 1, 'message': 'not in the list of supported operations'}} for op in operations]
    if found:
        with open('check_result.tf.json', 'w') as stream:
            json.dump({'op': found}, stream)
