"""`--mode=train`: the model's side of a training run."""
import dataclasses

import tensorflow.compat.v1 as tf

from convlstm_vo import model as vo_model
from kitti_data.odometry import sequence_name
from kitti_data.pipeline.windows import WindowSet
from npu_runtime.devices.ranks import launched_size
from npu_runtime.training import ModelOutput, TrainOptions
from npu_runtime.training import train as run_training
from npu_runtime.validation import Validation

_INITIALIZERS = {'glorot': tf.initializers.glorot_uniform, 'he': tf.initializers.he_uniform}


def train(run, model, augment, runtime):
    """Trains, or continues, the run in `--outputpath`.

    Args:
      run: <RunConfig>.
      model: <ModelConfig>.
      augment: <WindowAugmentConfig>.
      runtime: <RuntimeConfig>.

    Returns:
      What `npu_runtime.training.train` returns.

    Raises:
      UserError: before the first step, where the data cannot be trained on.
    """
    run.require('datapath', 'outputpath')
    windows = open_windows(run, model, run.training_sequences, augment)
    steps_per_epoch = max(1, len(windows) // (run.bsize * launched_size()))

    def build_model(batch, is_training):
        del is_training  # Nothing in it differs.
        output = vo_model.training(batch, model, _INITIALIZERS[run.initializer]())
        return ModelOutput(output.losses, output.images)

    def make_dataset(start_step, rank, size):
        return windows.dataset(run.bsize, run.shuffle, run.seed, start_step * run.bsize, rank, size,
                               run.num_threads)

    saved_config = {
        'model': dataclasses.asdict(model), 'run': dataclasses.asdict(run),
        'augment': dataclasses.asdict(augment),
        'train_sequences': [sequence_name(name) for name in run.training_sequences],
        'windows': len(windows), 'steps_per_epoch': steps_per_epoch}
    return run_training(build_model, make_dataset, _options(run, model, steps_per_epoch), runtime,
                        saved_config, _validation(run, model))


def open_windows(run, model, sequences, augment=None):
    """The <WindowSet> of these sequences, as the configurations say."""
    return WindowSet(run.datapath, sequences, model.time_steps, model.img_height, model.img_width,
                     run.camera, model.label_frame, augment)


def _validation(run, model):
    if not run.val_sequences or not run.val_freq:
        return None
    windows = open_windows(run, model, run.val_sequences)
    batch_size = min(run.bsize, len(windows))

    def make_dataset():
        return windows.dataset(batch_size, seed=run.seed).take(1)

    def log_line(record):
        return 'Accuracy : %s' % record.total

    return Validation(make_dataset, run.val_freq, batches=1, keep_best=False, log_line=log_line)


def _options(run, model, steps_per_epoch):
    max_steps = run.train_iter * steps_per_epoch
    if run.total_steps > 0:
        max_steps = min(max_steps, run.total_steps)

    def log_line(record):
        return ('Current epoch : %d----step : %d----Train_error : %s----sec/step : %s'
                % ((record.step - 1) // steps_per_epoch, record.step, record.total,
                   record.seconds_per_step))

    return TrainOptions(
        output_dir=run.outputpath, max_steps=max_steps, batch_size=run.bsize,
        learning_rate=_learning_rate(run, steps_per_epoch), gradient_clip=run.gradient_clip,
        loss_is_sum=model.loss_reduction == 'sum', init_checkpoint=run.init_checkpoint,
        checkpoint_every=run.save_epochs * steps_per_epoch, max_to_keep=run.max_to_keep,
        checkpoint_name=lambda step: 'model%d' % (step // steps_per_epoch),
        final_checkpoint_name='model', seed=run.seed, log_every=run.log_freq,
        summary_every=run.summary_freq, log_line=log_line)


def _learning_rate(run, steps_per_epoch):
    if run.lr_decay == 1.0:
        return run.lr
    return lambda step: tf.train.exponential_decay(
        run.lr, step, run.lr_decay_epochs * steps_per_epoch, run.lr_decay, staircase=True)
