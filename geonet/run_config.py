"""Flags of a run: mode, data and schedule. Flags of the model are in config.py."""
import dataclasses
from typing import List

from npu_runtime.training.flags import EvalFlags, ExportFlags, TrainFlags, architecture
from vo_common.errors import UserError
from vo_common.flags import BOOL_OR_TEXT, as_typed, flag, path_flag, same_flag

# Mode -> the function that runs it.
MODES = {'train_rigid': 'geonet.train.run_training',
         'train_flow': 'geonet.train.run_training',
         'test_depth': 'geonet.predict_depth.test_depth',
         'test_pose': 'geonet.predict_pose.test_pose',
         'test_flow': 'geonet.predict_flow.test_flow',
         'export_depth': 'geonet.export.export_depth',
         'export_pose': 'geonet.export.export_pose'}
_TRAIN, _TEST, _MOTION = ('train',), ('test',), ('test_pose', 'test_flow')


@dataclasses.dataclass
class RunConfig(ExportFlags, EvalFlags, TrainFlags):
    """Mode and files.

    Names and defaults are those of the published program where it has the flag.
    """
    mode: str = architecture('train_rigid', 'what to do', choices=tuple(MODES))
    dataset_dir: str = path_flag('', 'formatted set (training); KITTI folder, folder of images or '
                                     'video (prediction)', modes=_TRAIN + _TEST)
    batch_size: int = same_flag(TrainFlags, 'batch_size', modes=_TRAIN + _TEST)
    init_ckpt_file: str = path_flag('', 'checkpoint to start from or to predict with: a prefix, or '
                                        'a folder for its newest')
    checkpoint_dir: str = path_flag('', 'folder of checkpoints, metrics and summaries; a run found '
                                        'there is resumed', modes=_TRAIN)
    max_steps: int = flag(300000, 'training steps', modes=_TRAIN, at_least=1)
    save_ckpt_freq: int = flag(5000, 'steps between checkpoints', modes=_TRAIN, at_least=1)
    output_dir: str = path_flag('', 'folder of predictions and exported graphs',
                                modes=_TEST + ('export',))
    depth_test_split: str = flag('eigen', 'depth test set', choices=('eigen', 'stereo'),
                                 modes=('test_depth',))
    pose_test_seq: str = flag('9', 'odometry sequence to predict, name or number',
                              modes=_TRAIN + _TEST)
    camera: int = flag(2, 'KITTI camera to predict from: 0, 1 gray, 2, 3 colour',
                       choices=(0, 1, 2, 3), modes=_TRAIN + _TEST)
    frame_step: int = flag(1, "use every n-th frame: 3 reduces 30 frames per second to KITTI's 10",
                           modes=_MOTION, at_least=1)
    test_file_list: str = path_flag('', 'list of test images, with paths relative to --dataset_dir',
                                    modes=('test_depth',))
    flip_average: bool = flag(False, 'average the predictions for images and mirrored images; '
                                     'twice the work', modes=_TRAIN + _TEST)
    overlap_average: bool = flag(
        False, 'average each motion over all snippets that contain it: the earlier motions of a '
               'snippet tend to be too long and the later ones too short', modes=('test_pose',))
    refine_steps: int = flag(
        0, 'iterations that refine motion and depth on the images of each snippet, at the size of '
           'their files; 0: as the nets predict, as published', modes=('test_depth', 'test_pose'),
        at_least=0, at_most=1000)
    intrinsics: List[float] = flag(
        [], 'fx,fy,cx,cy in pixels of the image files, for frames without a KITTI calibration; '
            'required by residual flow, --refine_steps, and test_pose with --canonical_camera',
        modes=_TRAIN + _TEST)
    pictures: BOOL_OR_TEXT = flag(
        False, 'write pictures of depth, flow or the trajectory; 16bit (test_depth): write depth '
               'in the format and size of KITTI, 256 times the metres',
        choices=(False, True, '16bit'), modes=_TEST)
    depth_scale: float = flag(1.0, 'metres per unit of predicted depth for --pictures=16bit; '
                                   'eval_depth prints it as scale', modes=('test_depth',), above=0)
    video: bool = flag(False, 'write a video: each frame with its depth, flow or the path so far',
                       modes=_TEST)
    flow_size: str = flag('network', 'size of the written flow: of the network input or of the '
                                     'image files', choices=('network', 'original'),
                          modes=('test_flow',))
    eval_dataset_dir: str = path_flag(
        '', 'ground truth for validation: odometry folder (train_rigid: ATE on pose_test_seq) or '
            'KITTI 2015 folder (train_flow: EPE); keeps the best checkpoint as model-best',
        modes=_TRAIN)
    l2_weight: float = flag(0.0, 'weight decay (published training: none)', modes=_TRAIN,
                            at_least=0)
    freeze_batch_norm: bool = flag(
        False, "train with batch norm's averages and leave them unchanged, for batches or images "
               'too small for good statistics', modes=_TRAIN)

    def __post_init__(self):
        super().__post_init__()
        if self.eval_dataset_dir and not self.eval_every:
            raise UserError('--eval_every=0: must be at least 1 with --eval_dataset_dir (steps '
                            'between validations)')
        if self.mode.startswith('train') and not self.eval_dataset_dir:
            for name in ('pose_test_seq', 'camera', 'flip_average', 'intrinsics'):
                if not self.is_default(name):
                    raise UserError('--%s=%s: must not be given with --mode=%s without '
                                    '--eval_dataset_dir, whose validation alone reads it' % (
                                        name, as_typed(getattr(self, name)), self.mode))
        if self.pictures == '16bit' and self.mode != 'test_depth':
            raise UserError('--pictures=16bit: must not be given with --mode=%s (read by '
                            'test_depth)' % self.mode)
        if self.depth_scale != 1 and self.pictures != '16bit':
            raise UserError('--depth_scale=%g: must be 1 without --pictures=16bit'
                            % self.depth_scale)
        if self.refine_steps and self.test_file_list:
            raise UserError('--refine_steps=%d: must be 0 with --test_file_list (a frame is '
                            'refined on its neighbours)' % self.refine_steps)
        if self.intrinsics and self.mode == 'test_depth' and not self.refine_steps:
            raise UserError('--intrinsics: must not be given with --mode=test_depth without '
                            '--refine_steps, which alone reads it')
        if self.intrinsics and len(self.intrinsics) != 4:
            raise UserError('--intrinsics=%s: must be four numbers, fx,fy,cx,cy' %
                            ','.join('%g' % number for number in self.intrinsics))
