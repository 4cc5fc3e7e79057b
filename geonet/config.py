"""The model's configuration: what is saved beside a checkpoint and must not change in between."""
import dataclasses

from common.errors import UserError
from common.flags import flag

NUM_SCALES = 4
# The coarsest scale must still be 2 pixels wide, or nothing can be sampled between them.
_SMALLEST_SIZE = 2 ** NUM_SCALES
_INITIAL_DISPARITIES = (0.02, 5.0)  # what either encoder can give


@dataclasses.dataclass
class ModelConfig:
    """The model.

    Raises:
      UserError: a value that no model can be built with; names the flag.
    """
    seq_length: int = flag(3, 'frames of a snippet, the target in the middle; odd')
    img_height: int = flag(128, 'height of the images in pixels')
    img_width: int = flag(416, 'width of the images in pixels')
    dispnet_encoder: str = flag('resnet50', 'encoder of depth_net', choices=('resnet50', 'vgg'))
    scale_normalize: bool = flag(False, 'divide each disparity map by its mean')
    initial_disparity: float = flag(0.0, 'disparity that an untrained depth_net gives; 0 is half '
                                         'its largest, as published; short runs want 1')
    batch_norm_decay: float = flag(0.999, "what batch norm's averages keep at each step; short "
                                          'runs want less')
    alpha_recon_image: float = flag(0.85, 'share of SSIM in the difference of two images')
    rigid_warp_weight: float = flag(1.0, 'weight of the images warped by rigid flow')
    disp_smooth_weight: float = flag(0.5, 'weight of the smoothness of disparity')
    target_depth_only: bool = flag(
        False, "warp sources to the target alone, not the target to them as well, so that only the "
               "target's depth is needed: less than half the work of a step")
    minimum_reprojection: bool = flag(
        False, 'of the errors of a pixel in several sources only the least counts: it may be '
               'hidden in the others (Godard et al., ICCV 2019)')
    auto_masking: bool = flag(
        False, 'pixels that fit better unwarped do not count: they stand still or move with the '
               'camera (Godard et al., ICCV 2019)')
    geometry_consistency_weight: float = flag(
        0.0, "weight of the difference between the frames' depths, which keeps their scale the "
             'same (Bian et al., NeurIPS 2019: 0.5 beside an image weight of 1)')
    flownet_type: str = flag('residual', 'flow on top of rigid flow, or from images alone',
                             choices=('residual', 'direct'))
    initial_flow_gain: float = flag(1.0, "how much of the published flow_net's flow an untrained "
                                         'one gives: 1 is noise of many pixels; short runs want '
                                         '0.01')
    flow_warp_weight: float = flag(1.0, 'weight of the images warped by full flow')
    flow_smooth_weight: float = flag(0.2, 'weight of the smoothness of flow')
    flow_consistency_weight: float = flag(
        0.2, 'weight of forward-backward consistency; 0 also counts pixels that are hidden')
    flow_consistency_alpha: float = flag(3.0, 'inconsistency of a visible pixel, in pixels')
    flow_consistency_beta: float = flag(0.05, 'the same, as a share of the flow')

    def __post_init__(self):
        if self.seq_length < 3 or self.seq_length % 2 == 0:
            raise UserError('--seq_length is %d: must be odd and at least 3, with the target in '
                            'the middle' % self.seq_length)
        for name in ('img_height', 'img_width'):
            if getattr(self, name) < _SMALLEST_SIZE:
                raise UserError('--%s is %d: must be at least %d pixels'
                                % (name, getattr(self, name), _SMALLEST_SIZE))
        if not 0 <= self.batch_norm_decay < 1:
            raise UserError('--batch_norm_decay is %g: must be from 0 to below 1'
                            % self.batch_norm_decay)
        low, high = _INITIAL_DISPARITIES
        if self.initial_disparity and not low <= self.initial_disparity <= high:
            raise UserError('--initial_disparity is %g: must be 0 or from %g to %g'
                            % (self.initial_disparity, low, high))
        if not 0 < self.initial_flow_gain <= 1:
            raise UserError('--initial_flow_gain is %g: must be above 0, at most 1'
                            % self.initial_flow_gain)
        if not 0 <= self.alpha_recon_image <= 1:
            raise UserError('--alpha_recon_image is %g: must be from 0 to 1'
                            % self.alpha_recon_image)
        if self.target_depth_only and self.geometry_consistency_weight:
            raise UserError('--target_depth_only=true: must be false with '
                            '--geometry_consistency_weight=%g, which compares the depths of all '
                            'frames' % self.geometry_consistency_weight)
        for field in dataclasses.fields(self):
            value, choices = getattr(self, field.name), field.metadata['choices']
            if choices and value not in choices:
                raise UserError('--%s is %r: must be one of %s'
                                % (field.name, value, ', '.join(choices)))
            if field.name.startswith('flow_consistency') or field.name.endswith('_weight'):
                if value < 0:
                    raise UserError('--%s is %g: must not be negative' % (field.name, value))

    @property
    def num_sources(self):
        """N, the frames of a snippet beside the target."""
        return self.seq_length - 1
