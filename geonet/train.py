"""`--mode=train_rigid` and `--mode=train_flow`: the model's side of a training run."""
import dataclasses

from common.errors import UserError
from geonet import model as geonet_model
from kitti_data.formatted import find_broken, formatted_dataset
from npu_runtime import training

FROZEN_SCOPES = ('depth_net', 'pose_net')


def train(run, model, augment, runtime):
    """Trains, or continues, the run in `--checkpoint_dir`.

    Args:
      run: <RunConfig>.
      model: <ModelConfig>.
      augment: <AugmentConfig>.
      runtime: <RuntimeConfig>.

    Returns:
      What `npu_runtime.training.train` returns.
    """
    run.require(dataset_dir='the formatted set', checkpoint_dir='where the run is kept')
    flow = run.mode == 'train_flow'
    residual = flow and model.flownet_type == 'residual'
    if residual and not run.init_ckpt_file:
        raise UserError('--mode=train_flow --flownet_type=residual needs --init_ckpt_file: a '
                        'checkpoint of train_rigid, whose depth_net and pose_net it builds on')
    build = geonet_model.flow_training if flow else geonet_model.rigid_training

    def build_model(batch, is_training=True):
        return build(batch, model, is_training)

    def dataset(split):
        def make(start_step=0, rank=0, size=1):
            return formatted_dataset(
                run.dataset_dir, split, run.batch_size, model.seq_length, model.img_height,
                model.img_width, run.num_threads, augment if split == 'train' else None,
                shuffle=run.shuffle and split == 'train', seed=run.seed, start_step=start_step,
                rank=rank, size=size)
        return make

    validation = None
    if run.eval_every:
        validation = training.Validation(dataset('val'), run.eval_every, run.eval_batches)
    return training.train(
        build_model, dataset('train'), _options(run, residual), runtime,
        saved_config={'model': dict(dataclasses.asdict(model), mode=run.mode),
                      'run': dataclasses.asdict(run), 'augment': dataclasses.asdict(augment)},
        validation=validation,
        explain_input_error=lambda: find_broken(run.dataset_dir))


def log_line(step, seconds_per_step, loss, **_):
    """The published program's log line."""
    return 'Iteration: [%7d] | Time: %4.4fs/iter | Loss: %.3f' % (step, seconds_per_step, loss)


def _options(run, residual):
    return training.TrainOptions(
        output_dir=run.checkpoint_dir, max_steps=run.max_steps, batch_size=run.batch_size,
        learning_rate=run.learning_rate, gradient_clip=run.gradient_clip,
        checkpoint_every=run.save_ckpt_freq, max_to_keep=run.max_to_keep,
        init_checkpoint=run.init_ckpt_file,
        trainable_scopes=('flow_net',) if residual else None,
        required_scopes=FROZEN_SCOPES if residual else None,
        seed=run.seed, log_every=run.log_freq, summary_every=run.summary_freq,
        log_line=log_line, l2_weight=run.l2_weight)
