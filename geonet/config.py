"""Flags of the model, saved with its checkpoints."""
import dataclasses
from typing import List

from kitti_data.calibration import check_camera
from kitti_data.canonical_camera import camera_of
from npu_runtime.training.flags import architecture
from vo_common.errors import UserError
from vo_common.flags import Flags, flag

NUM_SCALES = 4
_RIGID, _FLOW = ('train_rigid',), ('train_flow',)
# Largest disparity of each depth_net encoder.
ENCODERS = {'resnet50': 5.0, 'vgg': 10.0, 'vgg128': 10.0}
# The coarsest scale must be at least 2 pixels wide for bilinear sampling.
_SMALLEST_SIZE = 2 ** NUM_SCALES
_LARGEST_SIZE = 16384
_INITIAL_DISPARITIES = (0.02, min(ENCODERS.values()))  # range that all encoders can produce


@dataclasses.dataclass
class ModelConfig(Flags):
    """Model."""
    seq_length: int = architecture(3, 'frames of a snippet, odd; the middle one is the target',
                                   at_least=3, at_most=99)
    img_height: int = flag(128, 'image height in pixels',
                           at_least=_SMALLEST_SIZE, at_most=_LARGEST_SIZE)
    img_width: int = flag(416, 'image width in pixels',
                          at_least=_SMALLEST_SIZE, at_most=_LARGEST_SIZE)
    dispnet_encoder: str = architecture(
        'resnet50', 'encoder of depth_net; vgg128: vgg with at most 128 channels, for small images '
                    'and short runs', choices=tuple(ENCODERS))
    scale_normalize: bool = architecture(False, 'divide each disparity map by its mean')
    half_pixel_centers: bool = architecture(
        False, 'place a pixel of a smaller scale at the centre of the area it averages (published '
               'training: at its upper left pixel, up to 3.5 pixels off)')
    canonical_camera: List[float] = architecture(
        [], 'fx,fy,cx,cy as fractions of width and height: treat all frames as taken by this '
            'camera, since pose_net cannot know the true one; test_pose converts motions to the '
            'camera of the frames (as Yin et al., ICCV 2023, do with depths)', above=0, at_most=100)
    initial_disparity: float = flag(
        0.0, 'disparity of an untrained depth_net; 0: half of its largest, as published; use 1 in '
             'short runs', modes=_RIGID)
    initial_pose_gain: float = flag(
        1.0, 'scale of the motions of an untrained pose_net; 1, as published, is a random '
             'direction that short runs do not leave; use 0.01 there', modes=_RIGID,
        at_least=1e-30, at_most=1)
    batch_norm_decay: float = flag(
        0.999, "decay of batch norm's moving averages; use a lower one in short runs",
        modes=('train',), at_least=0, below=1)
    alpha_recon_image: float = flag(0.85, 'weight of SSIM in the photometric error',
                                    modes=('train',), at_least=0, at_most=1)
    rigid_warp_weight: float = flag(1.0, 'weight of the photometric error of rigid flow',
                                    modes=_RIGID, at_least=0)
    disp_smooth_weight: float = flag(0.5, 'weight of disparity smoothness', modes=_RIGID,
                                     at_least=0)
    target_depth_only: bool = flag(
        False, 'warp sources to the target only, not the target to sources: needs the depth of the '
               'target alone and less than half of the work per step', modes=_RIGID)
    minimum_reprojection: bool = flag(
        False, "use each pixel's smallest error over the sources, as it may be occluded in the "
               'others (Godard et al., ICCV 2019)', modes=_RIGID)
    auto_masking: bool = flag(
        False, 'ignore pixels whose unwarped error is lower: they stand still or move with the '
               'camera (Godard et al., ICCV 2019)', modes=_RIGID)
    geometry_consistency_weight: float = flag(
        0.0, "weight of the difference between the frames' depths, which keeps their scale "
             'consistent (Bian et al., NeurIPS 2019: 0.5 for an image weight of 1)', modes=_RIGID,
        at_least=0)
    flownet_type: str = architecture(
        'residual', 'residual: correct the rigid flow; direct: predict flow from images alone',
        choices=('residual', 'direct'))
    initial_flow_gain: float = flag(
        1.0, 'scale of the flow of an untrained flow_net; 1, as published, is noise of many '
             'pixels; use 0.01 in short runs', modes=_FLOW, at_least=1e-30, at_most=1)
    flow_warp_weight: float = flag(1.0, 'weight of the photometric error of full flow',
                                   modes=_FLOW, at_least=0)
    flow_smooth_weight: float = flag(0.2, 'weight of flow smoothness', modes=_FLOW, at_least=0)
    flow_consistency_weight: float = flag(
        0.2, 'weight of forward-backward consistency; 0: include occluded pixels in the losses',
        modes=_FLOW, at_least=0)
    flow_consistency_alpha: float = flag(
        3.0, 'largest inconsistency of a visible pixel, in pixels', modes=_FLOW, at_least=0)
    flow_consistency_beta: float = flag(
        0.05, 'largest inconsistency of a visible pixel, as a fraction of its flow',
        modes=_FLOW, at_least=0)

    def __post_init__(self):
        super().__post_init__()
        if self.seq_length % 2 == 0:
            raise UserError('--seq_length=%d: must be odd (the target is the middle frame)'
                            % self.seq_length)
        if self.canonical_camera:
            typed = '--canonical_camera=%s' % ','.join(map('{:g}'.format, self.canonical_camera))
            if len(self.canonical_camera) != 4:
                raise UserError(typed + ': must be four numbers, fx,fy,cx,cy, as fractions of '
                                'width and height')
            size = self.img_height, self.img_width
            check_camera(camera_of(self.canonical_camera, *size),
                         typed + ' (fractions of width and height)', size)
        low, high = _INITIAL_DISPARITIES
        if self.initial_disparity and not low <= self.initial_disparity <= high:
            raise UserError('--initial_disparity=%g: must be 0 or from %g to %g'
                            % (self.initial_disparity, low, high))
        if self.target_depth_only and self.geometry_consistency_weight:
            raise UserError('--target_depth_only=true: must be false with '
                            '--geometry_consistency_weight=%g (it compares the depths of all '
                            'frames)' % self.geometry_consistency_weight)
        if self.scale_normalize and self.geometry_consistency_weight:
            raise UserError('--scale_normalize=true: must be false with '
                            '--geometry_consistency_weight=%g (depths divided by their means have '
                            'no common scale)' % self.geometry_consistency_weight)

    @property
    def num_sources(self):
        """N, the frames of a snippet besides the target."""
        return self.seq_length - 1
