"""The model's configuration, which is saved beside a checkpoint."""
import dataclasses
from typing import List

from kitti_data.calibration import check_camera
from kitti_data.canonical_camera import camera_of
from npu_runtime.training.flags import architecture
from vo_common.errors import UserError
from vo_common.flags import Flags, flag

NUM_SCALES = 4
_RIGID, _FLOW = ('train_rigid',), ('train_flow',)
# Encoder of depth_net -> the largest disparity that it gives.
ENCODERS = {'resnet50': 5.0, 'vgg': 10.0}
# The coarsest scale must still be 2 pixels wide, or nothing can be sampled between them.
_SMALLEST_SIZE = 2 ** NUM_SCALES
_LARGEST_SIZE = 16384
_INITIAL_DISPARITIES = (0.02, min(ENCODERS.values()))  # what either encoder can give


@dataclasses.dataclass
class ModelConfig(Flags):
    """The model.

    Raises:
      UserError: a value that no model can be built with; names the flag.
    """
    seq_length: int = architecture(3, 'frames of a snippet, the target in the middle; odd',
                                   at_least=3, at_most=99)
    img_height: int = architecture(128, 'height of the images in pixels',
                                   at_least=_SMALLEST_SIZE, at_most=_LARGEST_SIZE)
    img_width: int = architecture(416, 'width of the images in pixels',
                                  at_least=_SMALLEST_SIZE, at_most=_LARGEST_SIZE)
    dispnet_encoder: str = architecture('resnet50', 'encoder of depth_net',
                                        choices=tuple(ENCODERS))
    scale_normalize: bool = architecture(False, 'divide each disparity map by its mean')
    half_pixel_centers: bool = architecture(
        False, 'a pixel of a smaller scale is in the middle of what it averages (published '
               'training: in the upper left of it, up to 3.5 pixels off)')
    canonical_camera: List[float] = architecture(
        [], 'fx,fy,cx,cy as shares of width and height: all frames count as seen by this camera, '
            'as pose_net cannot know which it was; test_pose brings motions to the one that took '
            'the frames (as Yin et al., ICCV 2023, do with depths)', above=0, at_most=100)
    initial_disparity: float = flag(0.0, 'disparity that an untrained depth_net gives; 0 is half '
                                         'its largest, as published; short runs need 1',
                                    modes=_RIGID)
    batch_norm_decay: float = flag(0.999, "what batch norm's averages keep at each step; short "
                                          'runs need less', modes=('train',), at_least=0, below=1)
    alpha_recon_image: float = flag(0.85, 'share of SSIM in the difference of two images',
                                    modes=('train',), at_least=0, at_most=1)
    rigid_warp_weight: float = flag(1.0, 'weight of the images warped by rigid flow',
                                    modes=_RIGID, at_least=0)
    disp_smooth_weight: float = flag(0.5, 'weight of the smoothness of disparity', modes=_RIGID,
                                     at_least=0)
    target_depth_only: bool = flag(
        False, "warp sources to the target alone, not the target to them as well, so that only the "
               "target's depth is needed: less than half the work of a step", modes=_RIGID)
    minimum_reprojection: bool = flag(
        False, 'of the errors of a pixel in several sources only the least counts: it may be '
               'hidden in the others (Godard et al., ICCV 2019)', modes=_RIGID)
    auto_masking: bool = flag(
        False, 'pixels that fit better unwarped do not count: they stand still or move with the '
               'camera (Godard et al., ICCV 2019)', modes=_RIGID)
    geometry_consistency_weight: float = flag(
        0.0, "weight of the difference between the frames' depths, which keeps their scale the "
             'same (Bian et al., NeurIPS 2019: 0.5 beside an image weight of 1)', modes=_RIGID,
        at_least=0)
    flownet_type: str = architecture('residual', 'flow on top of rigid flow, or from images alone',
                                     choices=('residual', 'direct'))
    initial_flow_gain: float = flag(1.0, "how much of the published flow_net's flow an untrained "
                                         'one gives: 1 is noise of many pixels; short runs need '
                                         '0.01', modes=_FLOW, above=0, at_most=1)
    flow_warp_weight: float = flag(1.0, 'weight of the images warped by full flow', modes=_FLOW,
                                   at_least=0)
    flow_smooth_weight: float = flag(0.2, 'weight of the smoothness of flow', modes=_FLOW,
                                     at_least=0)
    flow_consistency_weight: float = flag(
        0.2, 'weight of forward-backward consistency; 0 also counts pixels that are hidden',
        modes=_FLOW, at_least=0)
    flow_consistency_alpha: float = flag(3.0, 'inconsistency of a visible pixel, in pixels',
                                         modes=_FLOW, at_least=0)
    flow_consistency_beta: float = flag(0.05, 'the same, as a share of the flow', modes=_FLOW,
                                        at_least=0)

    def __post_init__(self):
        super().__post_init__()
        if self.seq_length % 2 == 0:
            raise UserError('--seq_length=%d: must be odd, with the target in the middle'
                            % self.seq_length)
        if len(self.canonical_camera) not in (0, 4):
            raise UserError('--canonical_camera=%s: must be four numbers, fx,fy,cx,cy, as shares '
                            'of width and height' % ','.join('%g' % number for number in
                                                             self.canonical_camera))
        if self.canonical_camera:
            size = self.img_height, self.img_width
            check_camera(camera_of(self.canonical_camera, *size), '--canonical_camera=%s (shares '
                         'of width and height)' % ','.join(map('{:g}'.format,
                                                               self.canonical_camera)), size)
        low, high = _INITIAL_DISPARITIES
        if self.initial_disparity and not low <= self.initial_disparity <= high:
            raise UserError('--initial_disparity=%g: must be 0 or from %g to %g'
                            % (self.initial_disparity, low, high))
        if self.target_depth_only and self.geometry_consistency_weight:
            raise UserError('--target_depth_only=true: must be false with '
                            '--geometry_consistency_weight=%g, which compares the depths of all '
                            'frames' % self.geometry_consistency_weight)

        if self.scale_normalize and self.geometry_consistency_weight:
            raise UserError('--scale_normalize=true: must be false with '
                            '--geometry_consistency_weight=%g (depths divided by their means have '
                            'no common scale)' % self.geometry_consistency_weight)

    @property
    def num_sources(self):
        """N, the frames of a snippet beside the target."""
        return self.seq_length - 1
