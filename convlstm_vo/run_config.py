"""The run's flags: what to do, on which data, for how long. The model's own are in config.py.

The published program's names, spellings and defaults, and what was missing there.
"""
import dataclasses
from typing import List

from npu_runtime.training.flags import EvalFlags, ExportFlags, TrainFlags
from vo_common.errors import UserError
from vo_common.flags import flag, path_flag, same_flag

MODES = ('train', 'test', 'export')
_TRAIN, _TEST = ('train',), ('test',)
# In the order in which --trajectory_length takes them.
TRAINING_SEQUENCES = ('0', '2', '8', '9')
INITIALIZERS = ('glorot', 'he')


@dataclasses.dataclass
class RunConfig(ExportFlags, EvalFlags, TrainFlags):
    """What to do, on which data, for how long.

    Raises:
      UserError: a value that no run can be made with; names the flag.
    """
    mode: str = flag('train', 'what to do', choices=MODES)
    datapath: str = path_flag('', 'KITTI odometry folder, with sequences/ and poses/',
                              aliases=('data_path',), modes=_TRAIN + _TEST)
    outputpath: str = path_flag('', 'checkpoints and metrics (a run found there is continued); '
                                    'test and export write below it', aliases=('output_path',))
    batch_size: int = same_flag(TrainFlags, 'batch_size', default=32, aliases=('bsize',),
                                help='windows a step and device')
    trajectory_length: int = flag(4, 'how many of the sequences 0, 2, 8, 9 are trained on',
                                  modes=_TRAIN + _TEST, at_least=1,
                                  at_most=len(TRAINING_SEQUENCES))
    train_sequences: List[str] = flag([], 'sequences to train on, instead of those; test: of a '
                                          'checkpoint that does not say', modes=_TRAIN + _TEST)
    val_sequences: List[str] = flag(['6'], 'sequences of the Accuracy line; empty for none',
                                    modes=_TRAIN)
    test_sequences: List[str] = flag(['3', '4', '5', '7', '10'], 'sequences of --mode=test',
                                     modes=_TEST)
    camera: int = flag(0, '0, 1 gray, 2, 3 colour', choices=(0, 1, 2, 3), modes=_TRAIN + _TEST)
    learning_rate: float = same_flag(TrainFlags, 'learning_rate', default=0.0001,
                                     aliases=('lr', 'learing_rata'))
    lr_decay: float = flag(1.0, 'factor on the learning rate every lr_decay_epochs', modes=_TRAIN,
                           above=0)
    lr_decay_epochs: int = flag(60, 'epochs between two decays', modes=_TRAIN, at_least=1)
    initializer: str = flag('glorot', 'of the encoder: glorot, as published, shrinks what passes '
                                      'the nine layers some 300 times; he some 8 times, and '
                                      'learns sooner', choices=INITIALIZERS, modes=_TRAIN)
    train_iter: int = flag(240, 'epochs', modes=_TRAIN, at_least=1)
    total_steps: int = flag(-1, 'stop after so many steps; -1 leaves it to train_iter',
                            modes=_TRAIN, at_least=-1)
    save_epochs: int = flag(40, 'epochs between checkpoints', modes=_TRAIN, at_least=1)
    max_to_keep: int = same_flag(TrainFlags, 'max_to_keep', default=0)
    log_freq: int = same_flag(TrainFlags, 'log_freq', default=1)
    num_threads: int = same_flag(TrainFlags, 'num_threads', default=0)
    eval_every: int = same_flag(EvalFlags, 'eval_every', default=10, aliases=('val_freq',),
                                help='steps between Accuracy lines; 0 is never')
    eval_batches: int = same_flag(EvalFlags, 'eval_batches', default=1,
                                  help='batches of an Accuracy line')
    init_checkpoint: str = path_flag('', 'checkpoint prefix or folder: weights that training '
                                         'starts with, or that test and export use instead of '
                                         'outputpath\'s')
    stateless: bool = flag(False, 'test: windows of time_steps from the zero state, as trained, '
                                  'instead of carrying the state along the sequence',
                           modes=_TEST)
    flip_average: bool = flag(False, 'test: predict the frames and their mirror images and take '
                                     'the mean; twice the work', modes=_TEST)
    overlap_average: bool = flag(
        False, 'test with --stateless: a window at every frame, and of each motion the mean of '
               'what the windows that hold it say; time_steps times the work', modes=_TEST)
    chunk: int = flag(8, 'test: frame pairs in one call', modes=_TEST, at_least=1, at_most=4096)
    lengths: List[int] = flag(list(range(100, 801, 100)),
                              'test: path lengths of the t_rel, r_rel segments, metres',
                              modes=_TEST, at_least=1)
    evo: bool = flag(True, 'test: also score with evo', modes=_TEST)

    def __post_init__(self):
        super().__post_init__()
        if not self.total_steps:
            raise UserError('--total_steps=0: must be -1 or at least 1')
        if self.overlap_average and not self.stateless:
            raise UserError('--overlap_average=true: must be false without --stateless (a carried '
                            'state has no windows)')

    @property
    def training_sequences(self):
        """Names or numbers of the sequences to train on."""
        return self.train_sequences or list(TRAINING_SEQUENCES[:self.trajectory_length])

    @property
    def checkpoint(self):
        """Prefix or folder of the weights to test or export."""
        return self.init_checkpoint or self.outputpath
