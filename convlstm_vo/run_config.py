"""Flags of a run: mode, data and schedule. Flags of the model are in config.py."""
import dataclasses
from typing import List

from npu_runtime.training.flags import EvalFlags, ExportFlags, TrainFlags
from vo_common.errors import UserError
from vo_common.flags import flag, path_flag, same_flag

# Mode -> the function that runs it.
MODES = {'train': 'convlstm_vo.train.run_training',
         'test': 'convlstm_vo.predict_motion.test_motion',
         'export': 'convlstm_vo.export.export'}
_TRAIN, _TEST = ('train',), ('test',)
TRAINING_SEQUENCES = ('0', '2', '8', '9')


@dataclasses.dataclass
class RunConfig(ExportFlags, EvalFlags, TrainFlags):
    """Mode, data and schedule.

    Names and defaults are those of the published program where it has the flag.
    """
    mode: str = flag('train', 'what to do', choices=tuple(MODES))
    datapath: str = path_flag('', 'KITTI odometry folder, with sequences/ and poses/',
                              aliases=('data_path',), modes=_TRAIN + _TEST)
    outputpath: str = path_flag('', 'folder of the run: checkpoints, metrics, test results; train '
                                    'resumes the run in it', aliases=('output_path',))
    batch_size: int = same_flag(TrainFlags, 'batch_size', default=32, aliases=('bsize',),
                                help='windows per step and device')
    train_sequences: List[str] = flag([], 'training sequences; test reads it only if the '
                                          'checkpoint has no config.json', modes=_TRAIN + _TEST)
    trajectory_length: int = flag(4, 'short form of --train_sequences: the first N of 0, 2, 8, 9',
                                  modes=_TRAIN + _TEST, at_least=1,
                                  at_most=len(TRAINING_SEQUENCES))
    val_sequences: List[str] = flag(['6'], 'sequences of the Accuracy line; empty disables it',
                                    modes=_TRAIN)
    test_sequences: List[str] = flag(['3', '4', '5', '7', '10'], 'test sequences', modes=_TEST)
    camera: int = flag(0, 'KITTI camera: 0, 1 gray; 2, 3 colour', choices=(0, 1, 2, 3),
                       modes=_TRAIN + _TEST)
    learning_rate: float = same_flag(TrainFlags, 'learning_rate', default=0.0001,
                                     aliases=('lr', 'learing_rata'))
    initializer: str = flag('glorot', 'encoder weights: glorot, as published, attenuates '
                                      'activations about 300 times; he, about 8 times, converges '
                                      'faster', choices=('glorot', 'he'), modes=_TRAIN)
    total_steps: int = flag(-1, 'training steps; -1 means --train_iter', modes=_TRAIN, at_least=-1)
    train_iter: int = flag(240, 'training epochs, unless --total_steps is given', modes=_TRAIN,
                           at_least=1)
    save_epochs: int = flag(40, 'epochs between checkpoints', modes=_TRAIN, at_least=1)
    max_to_keep: int = same_flag(TrainFlags, 'max_to_keep', default=0)
    log_freq: int = same_flag(TrainFlags, 'log_freq', default=1)
    num_threads: int = same_flag(TrainFlags, 'num_threads', default=0)
    eval_every: int = same_flag(EvalFlags, 'eval_every', default=10, aliases=('val_freq',),
                                help='steps between Accuracy lines; 0 means never')
    eval_batches: int = same_flag(EvalFlags, 'eval_batches', default=1,
                                  help='batches per Accuracy line')
    init_checkpoint: str = path_flag('', 'checkpoint prefix or folder: initial weights of train; '
                                         'test and export use it instead of --outputpath')
    flip_average: bool = flag(False, 'average predictions for the frames and their mirror images; '
                                     'doubles the work', modes=_TEST)
    reverse_average: bool = flag(
        False, 'average predictions for the frames in both orders, of which one gives the inverse '
               'motions; for models trained with --augment=reverse; doubles the work', modes=_TEST)
    overlap_average: bool = flag(
        False, 'start a window at every frame and average the predictions for each motion; '
               'multiplies the work by time_steps', modes=_TEST)
    smooth_speed: float = flag(
        0.0, 'smooth the lengths of motions over time, since a car changes its speed slowly: '
             'standard deviation of a Gaussian, in seconds; 0: no smoothing', modes=_TEST,
        at_least=0, at_most=60)
    chunk: int = flag(8, 'frame pairs per session call', modes=_TEST, at_least=1, at_most=4096)
    lengths: List[int] = flag(list(range(100, 801, 100)),
                              'segment lengths of t_rel and r_rel, in metres', modes=_TEST,
                              at_least=1)
    evo: bool = flag(True, 'also evaluate with evo', modes=_TEST)

    def __post_init__(self):
        super().__post_init__()
        if not self.total_steps:
            raise UserError('--total_steps=0: must be -1 or at least 1')
        if self.train_sequences and not self.is_default('trajectory_length'):
            raise UserError('--trajectory_length=%d: must not be given with --train_sequences, '
                            'which it is a short form of' % self.trajectory_length)
        self.train_sequences = (self.train_sequences
                                or list(TRAINING_SEQUENCES[:self.trajectory_length]))

    @property
    def checkpoint(self):
        """Prefix or folder of the weights to test or export."""
        return self.init_checkpoint or self.outputpath
