"""Training steps of both models on random inputs, built as the training loop builds them."""
import time

import numpy as np
import tensorflow.compat.v1 as tf

from benchmarks.config import MODES, examples_a_step
from benchmarks.flops import flops
from benchmarks.measuring import cpu_seconds, random_batch
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


def geonet_config(config):
    """The ModelConfig of GeoNet that the flags describe."""
    return GeonetConfig(img_height=config.img_height or 128, img_width=config.img_width or 416,
                        dispnet_encoder=config.encoder, flownet_type=config.flownet_type)


def vo_config(config):
    """The ModelConfig of the ConvLSTM that the flags describe."""
    return VoConfig(time_steps=config.time_steps, img_height=config.img_height or 384,
                    img_width=config.img_width or 1280)


class Step:
    """A training step in a session of its own, to be run one at a time.

    Attributes:
      build_seconds, nodes: of the graph.
      flops: floating point operations of the products in a step.
    """

    def __init__(self, config, mode, dataset=None):
        """Builds the graph and starts the session.

        Args:
          config: StepConfig.
          mode: key of MODES.
          dataset: tf.data.Dataset, or a function that makes it in the step's graph; None takes
            random inputs.
        """
        runtime = RuntimeConfig(device=config.device, **MODES[mode])
        device = choose_device(runtime)
        device.own.prepare_process()
        self._graph = tf.Graph()
        with self._graph.as_default():
            begin = time.time()
            build_model, batch, scopes = (
                _geonet(config) if config.model == 'geonet' else _convlstm_vo(config))
            data = dataset() if dataset else tf.data.Dataset.from_tensors(batch()).repeat()
            task = TrainingTask(build_model, None, TrainFlags(batch_size=examples_a_step(config)),
                                {}, '', 1, 0, trainable_scopes=scopes)
            self._training = TrainingStep(task, data.prefetch(1), device, runtime,
                                          distribution.connect(device))
            initializer = tf.global_variables_initializer()
            self.build_seconds = time.time() - begin
            self.nodes = len(self._graph.as_graph_def().node)
            self.flops = flops([self._training.train_op])
            self._session = tf.Session(config=session_config(device, runtime))
            self._session.run([initializer, self._training.iterator.initializer])

    def run(self):
        """One step: (seconds, CPU seconds of all threads)."""
        start = time.time(), cpu_seconds()
        self._session.run([self._training.train_op, self._training.values])
        return time.time() - start[0], cpu_seconds() - start[1]


def _geonet(config):
    """(build_model, function that makes a batch, trainable scopes)."""
    model = geonet_config(config)
    flow = config.mode == 'train_flow'
    build = geonet_model.flow_training if flow else geonet_model.rigid_training

    def build_model(batch, is_training):
        return build(batch, model, is_training)

    residual = flow and model.flownet_type == 'residual'
    return (build_model, lambda: random_batch(model, examples_a_step(config)),
            ['flow_net'] if residual else None)


def _convlstm_vo(config):
    """As `_geonet`; windows of gray frames."""
    model, batch_size = vo_config(config), examples_a_step(config)

    def build_model(batch, is_training):
        del is_training
        return vo_model.training(batch, model)

    def batch():
        frames = (batch_size, model.time_steps + 1, model.img_height, model.img_width, 1)
        return {'frames': np.random.RandomState(0).randint(0, 255, frames).astype(np.uint8),
                'scale': np.full(frames[:2], 1 / 255, np.float32),
                'mean': np.full(frames[:2], 0.5, np.float32),
                'motions': np.zeros((batch_size, model.time_steps, 6), np.float32)}

    return build_model, batch, None
