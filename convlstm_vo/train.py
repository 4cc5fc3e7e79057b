"""`--mode=train`: the model's side of a training run."""
import tensorflow.compat.v1 as tf

from convlstm_vo import model as vo_model
from kitti_data.odometry import sequence_name
from kitti_data.pipeline.windows import WindowSet
from npu_runtime.devices.ranks import launched_size
from npu_runtime.training.loop import train
from npu_runtime.training.task import TrainingTask, Validation

_INITIALIZERS = {'glorot': tf.initializers.glorot_uniform, 'he': tf.initializers.he_uniform}


def run_training(run, model, augment, runtime):
    """Trains, or continues, the run in `--outputpath`.

    Args:
      run: <RunConfig>.
      model: <ModelConfig>.
      augment: <WindowAugmentConfig>.
      runtime: <RuntimeConfig>.

    Returns:
      What `npu_runtime.training.loop.train` returns.

    Raises:
      UserError: before the first step, where the data cannot be trained on.
    """
    run.require(datapath='the KITTI odometry folder', outputpath='where the run is kept')
    windows = open_windows(run, model, run.training_sequences, augment)
    steps_per_epoch = max(1, len(windows) // (run.batch_size * launched_size()))
    max_steps = run.train_iter * steps_per_epoch

    def build_model(batch, is_training):
        del is_training  # Nothing in it differs.
        return vo_model.training(batch, model, _INITIALIZERS[run.initializer]())

    def make_dataset(batches_seen, rank, size):
        return windows.dataset(run.batch_size, run.shuffle, run.seed, batches_seen * run.batch_size,
                               rank, size, run.num_threads)

    def log_line(record):
        return ('Current epoch : %d----step : %d----Train_error : %s----sec/step : %s'
                % ((record.step - 1) // steps_per_epoch, record.step, record.total,
                   record.seconds_per_step))

    configs = {
        'model': model, 'run': run, 'augment': augment,
        'train_sequences': [sequence_name(name) for name in run.training_sequences],
        'windows': len(windows), 'steps_per_epoch': steps_per_epoch}
    return train(TrainingTask(
        build_model, make_dataset, run, configs, run.outputpath,
        min(max_steps, run.total_steps) if run.total_steps > 0 else max_steps,
        run.save_epochs * steps_per_epoch, _validation(run, model),
        learning_rate=_learning_rate(run, steps_per_epoch),
        gradient_size=vo_model.gradient_size(model),
        loss_is_sum=model.loss_reduction == 'sum', init_checkpoint=run.init_checkpoint,
        checkpoint_name=lambda step: 'model%d' % (step // steps_per_epoch),
        final_checkpoint_name='model', log_line=log_line), runtime)


def open_windows(run, model, sequences, augment=None):
    """The <WindowSet> of these sequences, as the configurations say."""
    return WindowSet(run.datapath, sequences, model.time_steps, model.img_height, model.img_width,
                     run.camera, model.label_frame, augment)


def _validation(run, model):
    if not run.val_sequences or not run.eval_every:
        return None
    windows = open_windows(run, model, run.val_sequences)
    batch_size = min(run.batch_size, len(windows))

    def make_dataset():
        return windows.dataset(batch_size, seed=run.seed)

    def log_line(record):
        return 'Accuracy : %s' % record.total

    return Validation(make_dataset, run.eval_every, run.eval_batches, keep_best=False,
                      log_line=log_line, examples='%d of %d windows of sequences %s' % (
                          min(run.eval_batches * batch_size, len(windows)), len(windows),
                          ', '.join(map(sequence_name, run.val_sequences))))


def _learning_rate(run, steps_per_epoch):
    """The learning rate's function of the step; None where it stays."""
    if run.lr_decay == 1.0:
        return None
    return lambda step: tf.train.exponential_decay(
        run.learning_rate, step, run.lr_decay_epochs * steps_per_epoch, run.lr_decay,
        staircase=True)
