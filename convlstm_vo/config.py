"""The flags: the published program's names, spellings and defaults, and what was missing there."""
import dataclasses
from typing import List

from common.errors import UserError
from common.flags import flag, path_flag

MODES = ('train', 'test', 'export')
# In the order in which --trajectory_length takes them.
TRAINING_SEQUENCES = ('0', '2', '8', '9')
LABEL_FRAMES = ('camera', 'world')
INITIALIZERS = ('glorot', 'he')


@dataclasses.dataclass
class ModelConfig:
    """The network and what it learns. A checkpoint belongs to one of these."""
    time_steps: int = flag(1, 'T, frame pairs in a window', aliases=('steps',))
    img_height: int = flag(384, 'height to which frames are resized')
    img_width: int = flag(1280, 'width to which frames are resized')
    label_frame: str = flag('camera', 'camera: motion as the camera sees it; world: difference of '
                                      'absolute 6-DoF poses, as published', choices=LABEL_FRAMES)
    rotation_weight: float = flag(100.0, 'K, weight of squared radians against squared metres')
    loss_reduction: str = flag('sum', 'over a batch and its time steps', choices=('sum', 'mean'))

    def __post_init__(self):
        _at_least(self, 1, 'time_steps', 'img_height', 'img_width')
        _more_than_zero(self, 'rotation_weight')


@dataclasses.dataclass
class RunConfig:
    """What to do, on which data, for how long."""
    mode: str = flag('train', 'what to do', choices=MODES)
    datapath: str = path_flag('', 'KITTI odometry folder, with sequences/ and poses/',
                         aliases=('data_path',))
    outputpath: str = path_flag('', 'checkpoints and metrics (a run found there is continued); test '
                               'and export write below it', aliases=('output_path',))
    bsize: int = flag(32, 'windows a step and device', aliases=('batch_size',))
    trajectory_length: int = flag(4, 'how many of the sequences 0, 2, 8, 9 are trained on')
    train_sequences: List[str] = flag([], 'sequences to train on, instead of those')
    val_sequences: List[str] = flag(['6'], 'sequences of the Accuracy line; empty for none')
    test_sequences: List[str] = flag(['3', '4', '5', '7', '10'], 'sequences of --mode=test')
    camera: int = flag(0, '0, 1 gray, 2, 3 colour', choices=(0, 1, 2, 3))
    lr: float = flag(0.0001, 'step size of Adam', aliases=('learing_rata', 'learning_rate'))
    lr_decay: float = flag(1.0, 'factor on the step size every lr_decay_epochs')
    lr_decay_epochs: int = flag(60, 'epochs between two decays')
    initializer: str = flag('glorot', 'of the encoder: glorot, as published, shrinks what passes '
                                      'the nine layers some 300 times; he some 8 times, and '
                                      'learns sooner', choices=INITIALIZERS)
    gradient_clip: float = flag(0.0, 'largest global gradient norm; 0 is no limit')
    train_iter: int = flag(240, 'epochs')
    total_steps: int = flag(-1, 'stop after so many steps; -1 leaves it to train_iter')
    save_epochs: int = flag(40, 'epochs between checkpoints')
    max_to_keep: int = flag(0, 'checkpoints kept; 0 is all')
    log_freq: int = flag(1, 'steps between log lines')
    val_freq: int = flag(10, 'steps between Accuracy lines')
    summary_freq: int = flag(500, 'steps between TensorBoard images')
    num_threads: int = flag(0, 'windows read at once; 0 lets tf.data choose')
    seed: int = flag(8964, 'of initial weights and data order')
    shuffle: bool = flag(True, 'visit the windows in a new order each epoch')
    init_checkpoint: str = path_flag('', 'checkpoint prefix or folder: weights that training starts '
                                    'with, or that test and export use instead of outputpath\'s')
    stateless: bool = flag(False, 'test: windows of time_steps from the zero state, as trained, '
                                  'instead of carrying the state along the sequence')
    chunk: int = flag(8, 'test: frame pairs in one call')
    lengths: List[int] = flag(list(range(100, 801, 100)),
                              'test: path lengths of the t_rel, r_rel segments, metres')
    evo: bool = flag(True, 'test: also score with the evo command-line tools')
    export_batch: int = flag(1, 'export: B of the frozen graph')
    onnx: bool = flag(False, 'export: also as ONNX (needs tf2onnx)')
    soc_version: str = flag('Ascend310', 'export: chip named in the printed atc command')

    def __post_init__(self):
        _at_least(self, 1, 'bsize', 'train_iter', 'save_epochs', 'lr_decay_epochs', 'log_freq',
                  'summary_freq', 'chunk', 'export_batch')
        _at_least(self, 0, 'gradient_clip', 'max_to_keep', 'val_freq', 'num_threads')
        _more_than_zero(self, 'lr', 'lr_decay')
        if self.total_steps < 1 and self.total_steps != -1:
            raise UserError('--total_steps=%d; wanted -1 or at least 1' % self.total_steps)
        if not self.train_sequences and not 1 <= self.trajectory_length <= len(TRAINING_SEQUENCES):
            raise UserError('--trajectory_length=%d; wanted 1 to %d, or --train_sequences=...' % (
                self.trajectory_length, len(TRAINING_SEQUENCES)))

    @property
    def training_sequences(self):
        """Names or numbers of the sequences to train on."""
        return self.train_sequences or list(TRAINING_SEQUENCES[:self.trajectory_length])

    @property
    def checkpoint(self):
        """Prefix or folder of the weights to test or export."""
        return self.init_checkpoint or self.outputpath

    def require(self, *names):
        """Raises a UserError that names the first of these flags that is empty."""
        for name in names:
            if not getattr(self, name):
                raise UserError('--mode=%s needs --%s' % (self.mode, name))


def _at_least(config, least, *names):
    for name in names:
        if getattr(config, name) < least:
            raise UserError('--%s=%d; wanted at least %d' % (name, getattr(config, name), least))


def _more_than_zero(config, *names):
    for name in names:
        if not getattr(config, name) > 0:
            raise UserError('--%s=%g; wanted more than 0' % (name, getattr(config, name)))
