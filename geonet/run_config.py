"""The run's flags: what to do, on which data, for how long. The model's own are in config.py."""
import dataclasses
from typing import List

from common.errors import UserError
from common.flags import flag, path_flag

MODES = ('train_rigid', 'train_flow', 'test_depth', 'test_pose', 'test_flow', 'export_depth',
         'export_pose')


@dataclasses.dataclass
class RunConfig:
    """What to do and where the files are.

    Names and defaults are the published program's, as far as it had them.

    Raises:
      UserError: a value that no run can be made with; names the flag.
    """
    mode: str = flag('train_rigid', 'what to do', choices=MODES)
    dataset_dir: str = path_flag('', 'formatted set (training); KITTI folder, folder of images or '
                                'video (prediction)')
    init_ckpt_file: str = path_flag('', 'checkpoint prefix, or folder (its newest), to start from or '
                                   'to predict with')
    batch_size: int = flag(4, 'examples a step and device')
    num_threads: int = flag(32, 'about how many examples are read and decoded at once')
    cache_share: float = flag(0.25, 'share of the usable memory in which decoded examples are '
                                    'kept, all workers together; 0 decodes them at every visit')
    checkpoint_dir: str = path_flag('', 'where checkpoints, metrics and summaries go; a run found '
                                   'there is continued')
    learning_rate: float = flag(0.0002, 'step size of Adam')
    max_to_keep: int = flag(20, 'checkpoints kept')
    max_steps: int = flag(300000, 'training steps')
    save_ckpt_freq: int = flag(5000, 'steps between checkpoints')
    output_dir: str = path_flag('', 'where predictions go')
    depth_test_split: str = flag('eigen', 'which depth test set', choices=('eigen', 'stereo'))
    pose_test_seq: int = flag(9, 'odometry sequence to predict on')
    camera: int = flag(2, 'odometry camera to predict on: 0, 1 gray, 2, 3 colour',
                       choices=(0, 1, 2, 3))
    test_file_list: str = path_flag('', 'text file of test images, relative to dataset_dir')
    flip_average: bool = flag(False, 'test: predict on the images and on their mirror images and '
                                     'take the mean; twice the work')
    intrinsics: List[float] = flag([], 'fx,fy,cx,cy in pixels of the files: residual flow on '
                                       'frames that have no KITTI calibration')
    pictures: bool = flag(False, 'also write pictures: depth, flow or the trajectory')
    video: bool = flag(False, 'also write a video: each frame with its depth, flow or the path '
                              'so far')
    flow_size: str = flag('network', 'size of the written flow: the network\'s, or that of the '
                                     'image files', choices=('network', 'original'))
    export_batch: int = flag(1, 'export: B of the frozen graph')
    onnx: bool = flag(False, 'export: also as ONNX (needs tf2onnx)')
    soc_version: str = flag('Ascend310', 'export: chip named in the printed atc command')
    seed: int = flag(8964, 'of initial weights, data order and augmentation')
    shuffle: bool = flag(True, 'visit the training set in a new order each epoch')
    log_freq: int = flag(100, 'steps between log lines')
    summary_freq: int = flag(500, 'steps between TensorBoard images')
    eval_every: int = flag(0, 'steps between validations; 0 is never')
    eval_batches: int = flag(20, 'batches of val.txt a validation')
    eval_dataset_dir: str = path_flag('', 'ground truth for the validations: odometry folder '
                                     '(train_rigid: ATE on pose_test_seq) or KITTI 2015 folder '
                                     '(train_flow: EPE); the best of it is model-best')
    l2_weight: float = flag(0.0, 'weight decay added to the loss (the published code adds none)')
    gradient_clip: float = flag(0.0, 'largest global gradient norm; 0 is no limit')
    freeze_batch_norm: bool = flag(False, 'batch norm uses its averages, which stay as they are: '
                                          'trains the nets as they are tested, where small '
                                          'batches or images make the statistics poor')

    def __post_init__(self):
        for name in ('batch_size', 'num_threads', 'max_steps', 'save_ckpt_freq', 'log_freq',
                     'summary_freq', 'eval_batches', 'max_to_keep', 'export_batch'):
            if getattr(self, name) < 1:
                raise UserError('--%s=%d; wanted at least 1' % (name, getattr(self, name)))
        if not 0 <= self.cache_share <= 1:
            raise UserError('--cache_share=%g; wanted a share, from 0 to 1' % self.cache_share)
        if self.eval_every < 0:
            raise UserError('--eval_every=%d; wanted a number of steps, or 0' % self.eval_every)
        if self.eval_dataset_dir and not self.eval_every:
            raise UserError('--eval_dataset_dir needs --eval_every: steps between validations')
        if self.intrinsics and len(self.intrinsics) != 4:
            raise UserError('--intrinsics has %d numbers; wanted fx,fy,cx,cy' %
                            len(self.intrinsics))
        if self.learning_rate <= 0:
            raise UserError('--learning_rate=%g; wanted more than 0' % self.learning_rate)

    def require(self, **purposes):
        """Raises a UserError that names the first of these flags that is empty."""
        for name, purpose in purposes.items():
            if not getattr(self, name):
                raise UserError('--mode=%s needs --%s: %s' % (self.mode, name, purpose))
