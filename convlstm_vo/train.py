"""`--mode=train`: data, names and log lines of a training run."""
import tensorflow.compat.v1 as tf

from convlstm_vo import model as vo_model
from convlstm_vo.trained_sequences import all_trained_sequences, warn_if_trained
from kitti_data.odometry import require_sequences, sequence_name
from kitti_data.pipeline.windows import WindowSet
from npu_runtime.devices.ranks import launched_size
from npu_runtime.training.loop import train
from npu_runtime.training.task import TrainingTask, Validation


def run_training(run, model, augment, runtime):
    """Trains or resumes the run in `--outputpath`.

    Raises:
      UserError: the data cannot be used; raised before the first step.
    """
    run.require(datapath='the KITTI odometry folder', outputpath='the folder of the run')
    windows = _open_windows(run, model, 'train_sequences', augment)
    steps_per_epoch = max(1, len(windows) // (run.batch_size * launched_size()))
    max_steps = run.total_steps if run.total_steps > 0 else run.train_iter * steps_per_epoch
    make_initializer = getattr(tf.initializers, run.initializer + '_uniform')

    def build_model(batch, is_training):
        del is_training  # both graphs are the same
        return vo_model.training(batch, model, make_initializer())

    def make_dataset(batches_seen, rank, size):
        return windows.dataset(
            run.batch_size, run.seed, shuffle=run.shuffle, start=batches_seen * run.batch_size,
            rank=rank, size=size, num_threads=run.num_threads)

    def checkpoint_name(step):
        return 'model' if step >= max_steps else 'model%d' % (step // steps_per_epoch)

    def log_line(step, row):
        return ('Current epoch : %d----step : %d----Train_error : %s----sec/step : %s'
                % ((step - 1) // steps_per_epoch, step, row['total'], row['seconds_per_step']))

    configs = {'model': model, 'run': run, 'augment': augment,
               'train_sequences': all_trained_sequences(run),
               'windows': len(windows), 'steps_per_epoch': steps_per_epoch}
    task = TrainingTask(
        build_model, make_dataset, run, configs, run.outputpath, max_steps,
        run.save_epochs * steps_per_epoch, _validation(run, model, configs['train_sequences']),
        gradient_size=vo_model.gradient_size(model), loss_is_sum=model.loss_reduction == 'sum',
        init_checkpoint=run.init_checkpoint, checkpoint_name=checkpoint_name, log_line=log_line)
    train(task, runtime)


def _open_windows(run, model, flag, augment=None):
    sequences = require_sequences(run.datapath, getattr(run, flag), flag)
    return WindowSet(run.datapath, sequences, model.time_steps, model.img_height, model.img_width,
                     run.camera, model.label_frame, augment)


def _validation(run, model, trained_on):
    if not run.val_sequences or not run.eval_every:
        return None
    windows = _open_windows(run, model, 'val_sequences')
    warn_if_trained(run.val_sequences, trained_on)
    batch_size = min(run.batch_size, len(windows))

    def make_dataset():
        return windows.dataset(batch_size, seed=run.seed)

    return Validation(make_dataset, run.eval_every, run.eval_batches, keep_best=False,
                      log_format='Accuracy : %(total)s',
                      examples='%d of %d windows of sequences %s' % (
                          min(run.eval_batches * batch_size, len(windows)), len(windows),
                          ', '.join(map(sequence_name, run.val_sequences))))
