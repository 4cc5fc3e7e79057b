"""`--mode=train_rigid` and `--mode=train_flow`: the model's side of a training run."""
import dataclasses

from common.errors import UserError
from common.memory import usable_memory
from geonet import model as geonet_model
from kitti_data.pipeline.formatted import find_broken, formatted_dataset
from npu_runtime.training import ModelOutput, TrainOptions, train
from npu_runtime.validation import Validation


def run_training(run, model, augment, runtime):
    """Trains, or continues, the run in `--checkpoint_dir`.

    Args:
      run: <RunConfig>.
      model: <ModelConfig>.
      augment: <AugmentConfig>.
      runtime: <RuntimeConfig>.

    Returns:
      The dict of results of `npu_runtime.training.train`.
    """
    run.require(dataset_dir='the formatted set', checkpoint_dir='where the run is kept')
    residual_flow = run.mode == 'train_flow' and model.flownet_type == 'residual'
    if residual_flow and not run.init_ckpt_file:
        raise UserError('--mode=train_flow --flownet_type=residual needs --init_ckpt_file: a '
                        'checkpoint of train_rigid, whose depth_net and pose_net it builds on')
    build = (geonet_model.flow_training if run.mode == 'train_flow'
             else geonet_model.rigid_training)

    def build_model(batch, is_training):
        output = build(batch, model, is_training and not run.freeze_batch_norm)
        return ModelOutput(output.losses, output.images)

    saved_config = {'model': dict(dataclasses.asdict(model), mode=run.mode),
                    'run': dataclasses.asdict(run), 'augment': dataclasses.asdict(augment)}
    return train(build_model, _training_data(run, model, augment),
                 _train_options(run, residual_flow), runtime, saved_config,
                 _validation(run, model))


def _training_data(run, model, augment):
    def make_dataset(start_step, rank, size):
        return formatted_dataset(
            run.dataset_dir, 'train', run.batch_size, model.seq_length, model.img_height,
            model.img_width, run.num_threads, augment, run.shuffle, run.seed, start_step, rank,
            size, int(run.cache_share * usable_memory() / size))
    return make_dataset


def _validation(run, model):
    if not run.eval_every:
        return None

    def make_dataset():
        return formatted_dataset(
            run.dataset_dir, 'val', run.batch_size, model.seq_length, model.img_height,
            model.img_width, run.num_threads, shuffle=False)
    evaluator = metric = None
    if run.eval_dataset_dir:
        from geonet.evaluation import metric_evaluator  # what draws and evaluates is slow to import
        evaluator, metric = metric_evaluator(run, model)
    return Validation(make_dataset, run.eval_every, run.eval_batches, metric,
                      evaluator=evaluator)


def _train_options(run, residual_flow):
    return TrainOptions(
        output_dir=run.checkpoint_dir, max_steps=run.max_steps, batch_size=run.batch_size,
        learning_rate=run.learning_rate, gradient_clip=run.gradient_clip,
        l2_weight=run.l2_weight, init_checkpoint=run.init_ckpt_file,
        trainable_scopes=['flow_net'] if residual_flow else None,
        init_scopes=['depth_net', 'pose_net'] if residual_flow else None,
        checkpoint_every=run.save_ckpt_freq, max_to_keep=run.max_to_keep, seed=run.seed,
        log_every=run.log_freq, summary_every=run.summary_freq,
        explain_input_error=lambda error: find_broken(run.dataset_dir))
