"""What the evaluations of depth and flow maps share: flags, means, other readings, pictures."""
import collections
import dataclasses
import os

import numpy as np

from kitti_data.images import write_png
from kitti_eval.hints import best_explanation
from kitti_eval.report import ReportFlags
from vo_common.errors import UserError
from vo_common.flags import flag
from vo_common.parallel import parallel_map

_IMAGES_TO_EXPLAIN = 20
_EXPLAINED = 0.5  # largest fraction of the error that another reading may leave


@dataclasses.dataclass
class MapFlags(ReportFlags):
    """Pictures of depth or flow."""
    num_plots: int = flag(20, 'pictures that --plot writes, evenly spaced; 0: one for each image',
                          at_least=0)


def mean_errors(scores, kinds, truth):
    """Means over images: {kind: {error: mean}, `images`: number of images with truth}.

    Args:
      scores: list of {kind: {error: value}}; None for an image without truth.
      kinds: such as 'prediction' and its baselines.
      truth: name of the truth for the UserError that is raised if no image has any.
    """
    known = [score for score in scores if score is not None]
    if not known:
        raise UserError('none of %d images has a pixel of %s' % (len(scores), truth))
    means = {kind: {name: float(np.mean([score[kind][name] for score in known]))
                    for name in known[0][kind]} for kind in kinds}
    return dict(means, images=len(known))


def best_reading(error, items, errors_of):
    """The (reading, mean error) that leaves less than half of `error`, or None.

    Args:
      error: mean error that a good prediction would not have.
      items: images, of which 20 are tried.
      errors_of: function from an image to {reading: its error}.
    """
    errors = collections.defaultdict(list)
    for found in parallel_map(errors_of, evenly_spaced(items, _IMAGES_TO_EXPLAIN),
                              desc='other readings', unit='img'):
        for reading, left in found.items():
            errors[reading].append(left)
    return best_explanation(error, [(reading, float(np.mean(left)))
                                    for reading, left in errors.items()], _EXPLAINED)


def draw_maps(folder, name, draw, items, count):
    """Writes the pictures of `count` evenly spaced items (0: all) on all cores; returns the paths.

    `name` is the format of a file name, and `draw` a function from an item to <uint8>[H, W, 3].
    """
    def write(item):
        path = os.path.join(folder, name % item)
        write_png(path, draw(item))
        return path

    paths = parallel_map(write, evenly_spaced(items, count), desc='pictures', unit='img')
    print('written: %s/*.png' % folder)
    return paths


def evenly_spaced(items, count):
    """List of `count` evenly spaced items of a list; a `count` of 0 means all."""
    places = np.linspace(0, len(items) - 1, min(count or len(items), len(items))).astype(int)
    return [items[place] for place in places]
