"""Frames per second of predictions: whole programs, session calls alone, and onnxruntime.

The nets have random weights, and calls are fed with noise. Programs include reading and writing
files; their rate is that of the additional frames of a long run over a short one, which excludes
imports and the first calls.
"""
import collections
import dataclasses
import functools
import os
import statistics
import tempfile
import time
from typing import Callable, NamedTuple

import tensorflow.compat.v1 as tf

from benchmarks.steps import geonet_config, noise, vo_config
from convlstm_vo import predict_motion
from convlstm_vo.predict_motion import window_graph
from convlstm_vo.run_config import RunConfig as VoRun
from geonet import predict_depth, predict_flow, predict_pose
from geonet.run_config import RunConfig
from kitti_data.odometry import OdometrySequence
from kitti_data.pipeline.compact_frames import FrameReader, check_frames
from npu_runtime.devices.choose import choose_device
from npu_runtime.devices.flags import RuntimeConfig
from npu_runtime.export import to_onnx
from npu_runtime.predictor import Predictor
from npu_runtime.session import host_session
from vo_common.console import log
from vo_common.errors import UserError
from vo_common.files import make_folder, write_text
from vo_common.parallel import num_cores

# (kind, program, its graph)
GEONET_KINDS = (('depth', predict_depth.test_depth, predict_depth.depth_graph),
                ('pose', predict_pose.test_pose, predict_pose.pose_graph),
                ('flow', predict_flow.test_flow, predict_flow.flow_graph))
_SHORT, _LONG = 1, 4  # repetitions of the sequence in the short and the long run
_CALLS = 3  # session calls per round


class Contestant(NamedTuple):
    """One kind of prediction.

    predictor: <Predictor>.
    frames_per_call: frames that a call predicts.
    program: function (odometry folder) that predicts its sequence.
    """
    predictor: Predictor
    frames_per_call: int
    program: Callable[[str], None]


def measure(config):
    """dict, kind -> rates: medians of `config.steps` rounds of programs, calls and onnxruntime."""
    runtime = RuntimeConfig(device=config.device)
    choose_device(runtime).own.prepare_process()
    with tempfile.TemporaryDirectory() as folder:
        roots, extra = _repeated(config, folder)
        kinds = (_geonet_contestants(config, runtime, roots[0], folder)
                 if config.model == 'geonet' else
                 _convlstm_contestants(config, runtime, roots[0], folder))
        return {kind: _rates(contestant, roots, extra, config.steps)
                for kind, contestant in kinds}


def _rates(contestant, roots, extra, rounds):
    """dict of frames per second; `program_share` is the rate of the program over the calls'."""
    predictor = contestant.predictor
    inputs = [operation.outputs[0] for operation in predictor.session.graph.get_operations()
              if operation.type == 'Placeholder']
    feed = {tensor.name: noise(tensor.shape.as_list(), tensor.dtype.as_numpy_dtype)
            for tensor in inputs}
    calls = {'calls': lambda: predictor.session.run(predictor.graph.fetches, feed)}
    onnx_session = _onnx_session(predictor, feed)
    if onnx_session:
        calls['onnxruntime'] = lambda: onnx_session.run(None, feed)
    for call in calls.values():
        call()
    seconds = collections.defaultdict(list)
    for _ in range(rounds):
        short, long = (_timed(1, contestant.program, root) for root in roots)
        seconds['program'].append((long - short) / extra)
        for name, call in calls.items():
            seconds[name].append(_timed(_CALLS, call) / _CALLS / contestant.frames_per_call)
    predictor.session.close()
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    if medians['program'] <= 0:
        raise UserError('--steps=%d: the program took no longer for more frames, must be more '
                        '(or give a longer --sequence)' % rounds)
    rates = {name + '_per_second': 1 / median for name, median in medians.items()}
    rates['program_share'] = medians['calls'] / medians['program']
    if 'onnxruntime' in medians:
        rates['time_to_onnxruntime'] = medians['calls'] / medians['onnxruntime']
    return rates


def _timed(times, function, *args):
    """Seconds of calling a function `times` times."""
    begin = time.time()
    for _ in range(times):
        function(*args)
    return time.time() - begin


def _onnx_session(predictor, feed):
    """The predictor's graph in onnxruntime; logs and returns None if it or tf2onnx is missing."""
    try:
        import onnxruntime
        model = to_onnx(predictor.session.graph.as_graph_def(), list(feed),
                        list(predictor.graph.fetches.values()))
    except (ImportError, UserError) as error:
        log('without onnxruntime: %s' % error)
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = num_cores()
    return onnxruntime.InferenceSession(model.SerializeToString(), options,
                                        providers=['CPUExecutionProvider'])


def _repeated(config, folder):
    """Makes a short and a long odometry folder with links to the frames of the sequence.

    Returns:
      ([short, long], number of additional frames in the long one).
    """
    sequence = OdometrySequence(config.data_path, config.sequence, config.camera)
    paths, roots = sequence.image_paths, []
    for name, times in (('short', _SHORT), ('long', _LONG)):
        roots.append(os.path.join(folder, name))
        drive = os.path.join(roots[-1], 'sequences', sequence.name)
        images = make_folder(os.path.join(drive, 'image_%d' % config.camera))
        for number, path in enumerate(paths * times):
            os.symlink(os.path.abspath(path), os.path.join(
                images, '%06d%s' % (number, os.path.splitext(path)[1])))
        write_text(os.path.join(drive, 'times.txt'), ''.join(
            '%.1f\n' % (0.1 * number) for number in range(len(paths) * times)))
        os.symlink(os.path.join(os.path.abspath(sequence.folder), 'calib.txt'),
                   os.path.join(drive, 'calib.txt'))
    return roots, len(paths) * (_LONG - _SHORT)


def _geonet_contestants(config, runtime, root, folder):
    """Yields (kind, <Contestant>) for GEONET_KINDS."""
    model = geonet_config(config)
    for kind, predict, graph_of in GEONET_KINDS:
        run = RunConfig(mode='test_' + kind, batch_size=config.batch_size, dataset_dir=root,
                        pose_test_seq=config.sequence, camera=config.camera,
                        init_ckpt_file=os.path.join(folder, kind), output_dir=folder)
        predictor = _with_random_weights(functools.partial(graph_of, model, run),
                                         run.init_ckpt_file, runtime)

        def program(root, predict=predict, run=run):
            predict(dataclasses.replace(run, dataset_dir=root), model, runtime)

        yield kind, Contestant(predictor, config.batch_size, program)


def _convlstm_contestants(config, runtime, root, folder):
    """Yields (kind, <Contestant>) for motions."""
    model = vo_config(config)
    run = VoRun(mode='test', datapath=root, outputpath=folder, camera=config.camera,
                init_checkpoint=os.path.join(folder, 'motion'), test_sequences=[config.sequence],
                chunk=config.batch_size * model.time_steps, evo=False)
    paths = OdometrySequence(root, config.sequence, config.camera).image_paths
    reader = FrameReader(paths, model.img_height, model.img_width, [check_frames(paths)])
    predictor = _with_random_weights(
        functools.partial(window_graph, config.batch_size, model.time_steps, reader.frame_shape,
                          reader.dtype), run.init_checkpoint, runtime)

    def program(root):
        predict_motion.test_motion(dataclasses.replace(run, datapath=root), model, runtime)

    yield 'motion', Contestant(predictor, config.batch_size * model.time_steps, program)


def _with_random_weights(make_graph, prefix, runtime):
    """A <Predictor> of random initial weights, saved as the checkpoint `prefix`."""
    with tf.Graph().as_default() as graph:
        make_graph()
        with host_session(graph) as session:
            session.run(tf.global_variables_initializer())
            tf.train.Saver().save(session, prefix, write_meta_graph=False)
    return Predictor(make_graph, prefix, runtime)
