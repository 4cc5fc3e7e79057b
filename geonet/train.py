"""`--mode=train_rigid` and `--mode=train_flow`: data, losses and validation of a training run."""
from geonet import model as geonet_model
from geonet.layers import l2_loss
from kitti_data.example_list import settings_of
from kitti_data.pipeline.formatted import FormattedSet
from npu_runtime.training.loop import train
from npu_runtime.training.task import TrainingTask, Validation
from vo_common.console import warn
from vo_common.errors import UserError

_METRIC_FLAGS = ('dataset_dir', 'batch_size', 'eval_batches', 'eval_dataset_dir', 'pose_test_seq',
                 'camera', 'flip_average', 'intrinsics')


def run_training(run, model, augment, runtime):
    """Trains or resumes the run in `--checkpoint_dir`.

    Raises:
      UserError: the data cannot be used; raised before the first step.
    """
    run.require(dataset_dir='the formatted set', checkpoint_dir='the folder of the run')
    residual_flow = run.mode == 'train_flow' and model.flownet_type == 'residual'
    if residual_flow and not run.init_ckpt_file:
        raise UserError('--init_ckpt_file= is empty: must be a checkpoint of train_rigid with '
                        '--flownet_type=residual (which needs its depth_net and pose_net)')
    build = (geonet_model.flow_training if run.mode == 'train_flow'
             else geonet_model.rigid_training)
    examples = _open_examples(run, model, 'train')
    prepared = bool(settings_of(run.dataset_dir).get('half_pixel_centers'))
    if model.half_pixel_centers != prepared and not model.canonical_camera:
        warn('%s was prepared with%s --half_pixel_centers but the model is trained with%s it: the '
             'principal point is up to half a pixel off' % (
                 run.dataset_dir, '' if prepared else 'out', 'out' if prepared else ''))

    def build_model(batch, is_training):
        output = build(batch, model, is_training and not run.freeze_batch_norm)
        if is_training and run.l2_weight:
            output.losses['l2'] = run.l2_weight * l2_loss()
        return output

    def make_dataset(batches_seen, rank, size):
        return examples.dataset(
            run.batch_size, run.seed, augment, shuffle=run.shuffle,
            start=batches_seen * run.batch_size, rank=rank, size=size, num_threads=run.num_threads)

    task = TrainingTask(
        build_model, make_dataset, run, {'model': model, 'run': run, 'augment': augment},
        run.checkpoint_dir, run.max_steps, run.save_ckpt_freq, _validation(run, model),
        gradient_size=geonet_model.GRADIENT_SIZES[run.mode],
        trainable_scopes=['flow_net'] if residual_flow else None,
        init_checkpoint=run.init_ckpt_file)
    train(task, runtime)


def _open_examples(run, model, split):
    return FormattedSet(run.dataset_dir, split, model.seq_length, model.img_height,
                        model.img_width, model.half_pixel_centers, model.canonical_camera)


def _validation(run, model):
    if not run.eval_every:
        return None
    listed = _open_examples(run, model, 'val')
    # Whole batches, so that no example counts twice, unless there are too few for one.
    batches = max(1, min(run.eval_batches, len(listed) // run.batch_size))
    examples = listed.spread(batches * run.batch_size)
    chosen = '%d of %d held-out examples, from %d of %d folders of drives' % (
        len(examples), len(listed), examples.folders, listed.folders)

    def make_dataset():
        return examples.dataset(run.batch_size, shuffle=False, num_threads=run.num_threads)

    evaluator, metric = None, 'total'
    if run.eval_dataset_dir:
        from geonet.evaluation import metric_evaluator  # Imports plotting, which is slow.
        evaluator, metric = metric_evaluator(run, model)
    return Validation(make_dataset, run.eval_every, batches, metric, evaluator=evaluator,
                      examples=chosen, flags=_METRIC_FLAGS)
