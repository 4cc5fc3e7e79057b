"""The run's flags: what to do, on which data, for how long. The model's own are in config.py."""
import dataclasses
from typing import List

from npu_runtime.training.flags import EvalFlags, ExportFlags, TrainFlags, architecture
from vo_common.errors import UserError
from vo_common.flags import BOOL_OR_TEXT, flag, path_flag, same_flag

MODES = ('train_rigid', 'train_flow', 'test_depth', 'test_pose', 'test_flow', 'export_depth',
         'export_pose')
_TRAIN, _TEST, _MOTION = ('train',), ('test',), ('test_pose', 'test_flow')


@dataclasses.dataclass
class RunConfig(ExportFlags, EvalFlags, TrainFlags):
    """What to do and where the files are.

    Names and defaults are the published program's, as far as it had them.

    Raises:
      UserError: a value that no run can be made with; names the flag.
    """
    mode: str = architecture('train_rigid', 'what to do', choices=MODES)
    dataset_dir: str = path_flag('', 'formatted set (training); KITTI folder, folder of images or '
                                     'video (prediction)', modes=_TRAIN + _TEST)
    batch_size: int = same_flag(TrainFlags, 'batch_size', modes=_TRAIN + _TEST)
    init_ckpt_file: str = path_flag('', 'checkpoint prefix, or folder (its newest), to start from '
                                        'or to predict with')
    cache_share: float = flag(0.25, 'share of the usable memory in which decoded examples are '
                                    'kept, all ranks of a host together; 0 decodes them at '
                                    'every visit',
                              modes=_TRAIN, at_least=0, at_most=1)
    checkpoint_dir: str = path_flag('', 'where checkpoints, metrics and summaries go; a run found '
                                        'there is continued', modes=_TRAIN)
    max_steps: int = flag(300000, 'training steps', modes=_TRAIN, at_least=1)
    save_ckpt_freq: int = flag(5000, 'steps between checkpoints', modes=_TRAIN, at_least=1)
    output_dir: str = path_flag('', 'where predictions go', modes=_TEST + ('export',))
    depth_test_split: str = flag('eigen', 'which depth test set', choices=('eigen', 'stereo'),
                                 modes=('test_depth',))
    pose_test_seq: str = flag('9', 'odometry sequence to predict on, name or number',
                              modes=_TRAIN + _TEST)
    camera: int = flag(2, 'KITTI camera to predict on: 0, 1 gray, 2, 3 colour',
                       choices=(0, 1, 2, 3), modes=_TRAIN + _TEST)
    frame_step: int = flag(1, 'predict on every n-th frame: 3 makes 30 frames a second the 10 of '
                              'KITTI', modes=_MOTION, at_least=1)
    test_file_list: str = path_flag('', 'text file of test images, relative to dataset_dir',
                                    modes=('test_depth',))
    flip_average: bool = flag(False, 'test: predict on the images and on their mirror images and '
                                     'take the mean; twice the work', modes=_TRAIN + _TEST)
    overlap_average: bool = flag(
        False, 'test_pose: each motion is the mean of what the snippets that hold it say: a '
               "snippet's earlier motions tend to come out long and its later ones short",
        modes=('test_pose',))
    intrinsics: List[float] = flag([], 'fx,fy,cx,cy in pixels of the files, for frames that have '
                                       'no KITTI calibration: residual flow needs it, and motion '
                                       'of a model with --canonical_camera',
                                   modes=_TRAIN + _MOTION)
    pictures: BOOL_OR_TEXT = flag(
        False, 'also write pictures: depth, flow or the trajectory; 16bit, of test_depth: depth as '
               "KITTI's PNGs, 256 times the metres, of the size of the image files",
        choices=(False, True, '16bit'), modes=_TEST)
    depth_scale: float = flag(1.0, '--pictures=16bit: metres of a unit of predicted depth, which '
                                   'eval_depth prints as scale', modes=('test_depth',), above=0)
    video: bool = flag(False, 'also write a video: each frame with its depth, flow or the path '
                              'so far', modes=_TEST)
    flow_size: str = flag('network', 'size of the written flow: the network\'s, or that of the '
                                     'image files', choices=('network', 'original'),
                           modes=('test_flow',))
    eval_dataset_dir: str = path_flag(
        '', 'ground truth for the validations: odometry folder (train_rigid: ATE on pose_test_seq) '
            'or KITTI 2015 folder (train_flow: EPE); the best of it is model-best', modes=_TRAIN)
    l2_weight: float = flag(0.0, 'weight decay added to the loss (the published code adds none)',
                            modes=_TRAIN, at_least=0)
    freeze_batch_norm: bool = flag(False, 'batch norm uses its averages, which stay as they are: '
                                          'trains the nets as they are tested, where small '
                                          'batches or images make the statistics poor',
                                   modes=_TRAIN)
    train_nets: List[str] = flag([], 'train_rigid: the nets that learn, depth_net or pose_net; '
                                     'empty is both. One alone is the end of a run: its steps '
                                     'cost less, and the other has no optimizer state afterwards',
                                 choices=('depth_net', 'pose_net'), modes=('train_rigid',))

    def __post_init__(self):
        super().__post_init__()
        if self.eval_dataset_dir and not self.eval_every:
            raise UserError('--eval_every=0: must be the steps between validations, on which '
                            '--eval_dataset_dir is used')
        if self.pictures == '16bit' and self.mode != 'test_depth':
            raise UserError('--pictures=16bit: must be given with --mode=test_depth, not %s' %
                            self.mode)
        if self.depth_scale != 1 and self.pictures != '16bit':
            raise UserError('--depth_scale=%g: must be given with --pictures=16bit, whose depths '
                            'it multiplies' % self.depth_scale)
        if self.intrinsics and len(self.intrinsics) != 4:
            raise UserError('--intrinsics=%s: must be four numbers, fx,fy,cx,cy' %
                            ','.join('%g' % number for number in self.intrinsics))
