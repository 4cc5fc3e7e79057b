"""Training steps of both models on random inputs, built as in the training loop."""
import resource
import statistics
import time

import numpy as np
import tensorflow.compat.v1 as tf

from benchmarks.config import MODES
from benchmarks.flops import flops
from convlstm_vo import model as vo_model
from convlstm_vo.config import ModelConfig as VoConfig
from geonet import model as geonet_model
from geonet.config import ModelConfig as GeonetConfig
from npu_runtime.devices import ranks as distribution
from npu_runtime.devices.choose import choose_device
from npu_runtime.devices.flags import RuntimeConfig
from npu_runtime.session import session_config
from npu_runtime.training.flags import TrainFlags
from npu_runtime.training.step import TrainingStep
from npu_runtime.training.task import TrainingTask

_WARM_UP = 2  # first steps, which compile and allocate


def measure(config):
    """Times, rates and sizes of `config.steps` steps."""
    step = Step(config)
    first, _ = step.run()
    for _ in range(_WARM_UP - 1):
        step.run()
    seconds, cpu = [statistics.median(values) for values in
                    zip(*(step.run() for _ in range(config.steps)))]
    results = {
        'build_seconds': step.build_seconds, 'nodes': step.nodes, 'first_step_seconds': first,
        'milliseconds_per_step': 1e3 * seconds, 'cpu_seconds_per_step': cpu,
        'examples_per_second': config.batch_size / seconds,
        'gigaflop_per_step': step.flops / 1e9,
        'teraflop_per_second': step.flops / seconds / 1e12,
        'peak_gigabytes': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 ** 2}
    # TensorFlow 1.15 does not know the peak memory of a GPU.
    if (tf.config.experimental.list_physical_devices('GPU')
            and hasattr(tf.config.experimental, 'get_memory_info')):
        peak = tf.config.experimental.get_memory_info('GPU:0')['peak']
        results['peak_device_gigabytes'] = peak / 1e9
    return results


def geonet_config(config):
    """The ModelConfig of GeoNet that the flags describe."""
    return GeonetConfig(img_height=config.img_height or 128, img_width=config.img_width or 416,
                        dispnet_encoder=config.encoder, flownet_type=config.flownet_type)


def vo_config(config):
    """The ModelConfig of the ConvLSTM that the flags describe."""
    return VoConfig(time_steps=config.time_steps, img_height=config.img_height or 384,
                    img_width=config.img_width or 1280)


class Step:
    """A training step in its own session.

    Attributes:
      build_seconds, nodes: time to build the graph, and its size.
      flops: floating point operations in the convolutions and products of a step.

    Args:
      config: BenchmarkConfig, whose first mode is that of the step.
    """

    def __init__(self, config):
        runtime = RuntimeConfig(device=config.device, **MODES[config.modes[0]])
        device = choose_device(runtime)
        device.own.prepare_process()
        self._graph = tf.Graph()
        with self._graph.as_default():
            begin = time.time()
            flags = TrainFlags(batch_size=config.batch_size)
            task, data = (geonet_task(geonet_config(config), config.mode, flags)
                          if config.model == 'geonet' else
                          convlstm_task(vo_config(config), flags))
            self._training = TrainingStep(task, data, device, runtime,
                                          distribution.connect(device))
            initializer = tf.global_variables_initializer()
            self.build_seconds = time.time() - begin
            self.nodes = len(self._graph.as_graph_def().node)
            self.flops = flops([self._training.train_op])
            self._session = tf.Session(config=session_config(device, runtime))
            self._session.run([initializer, self._training.iterator.initializer])

    def run(self):
        """Runs one step; returns (seconds, CPU seconds of all threads)."""
        start = time.time(), time.process_time()
        self._session.run([self._training.train_op, self._training.values])
        return time.time() - start[0], time.process_time() - start[1]


def geonet_task(model, mode, flags):
    """The <TrainingTask> of GeoNet and its <tf.data.Dataset>, which repeats a batch of noise.

    Args:
      model: <ModelConfig>.
      mode: train_rigid or train_flow.
      flags: <TrainFlags>.
    """
    flow = mode == 'train_flow'
    build = geonet_model.flow_training if flow else geonet_model.rigid_training
    camera = np.array([[240, 0, 204], [0, 245, 63], [0, 0, 1]], np.float32)
    batch = {'frames': noise((flags.batch_size, model.img_height, model.img_width,
                              3 * model.seq_length)),
             'intrinsics': np.tile(camera, (flags.batch_size, 1, 1))}
    residual = flow and model.flownet_type == 'residual'
    return _task(lambda batch, is_training: build(batch, model, is_training), batch, flags,
                 ['flow_net'] if residual else None)


def convlstm_task(model, flags):
    """As `geonet_task`, for the ConvLSTM on windows of gray noise."""
    frames = (flags.batch_size, model.time_steps + 1, model.img_height, model.img_width, 1)
    batch = {'frames': noise(frames), 'scale': np.full(frames[:2], 1 / 255, np.float32),
             'mean': np.full(frames[:2], 0.5, np.float32),
             'motions': np.zeros((flags.batch_size, model.time_steps, 6), np.float32)}
    return _task(lambda batch, is_training: vo_model.training(batch, model), batch, flags)


def _task(build_model, batch, flags, scopes=None):
    return (TrainingTask(build_model, None, flags, {}, '', 1, 0, trainable_scopes=scopes),
            tf.data.Dataset.from_tensors(batch).repeat().prefetch(1))


def noise(shape, dtype=np.uint8):
    """Random whole numbers from 0 to 254 of any shape and dtype."""
    return np.random.RandomState(0).randint(0, 255, shape).astype(dtype)
