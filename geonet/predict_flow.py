"""`--mode=test_flow`: optical flow from each target frame to the frame after it."""
import itertools
import os

import numpy as np

from common.errors import UserError
from common.files import make_folder
from geonet.model import predict_flow
from geonet.pictures import PictureWriter, flow_picture
from geonet.predictor import Predictor
from kitti_data.flow_files import flow_to_colour, resize_flow, write_flo, write_kitti_flow
from kitti_data.formatted import multi_scale_intrinsics
from kitti_data.images import write_png
from kitti_data.snippet_source import snippets


def test_flow(run, model, runtime):
    """Writes `binary/%06d.flo`, `color/%06d.png` and `png/%06d.png` (KITTI, 16 bits) per image.

    Args:
      run: <RunConfig>.
      model: <ModelConfig>.
      runtime: <RuntimeConfig>.

    Returns:
      The number of images.
    """
    run.require(init_ckpt_file='the checkpoint to predict with', output_dir='where flow goes')
    source = snippets(run.dataset_dir, model.seq_length, model.img_height, model.img_width,
                      run.pose_test_seq, run.camera, run.intrinsics)
    output_dir = make_folder(run.output_dir)
    folders = {name: make_folder(os.path.join(output_dir, name))
               for name in ('binary', 'color', 'png')}
    with _predictor(run, model, runtime) as predictor, \
            PictureWriter(output_dir, 'pictures', run.pictures, run.video) as pictures:
        read, shown = itertools.tee(source.read())
        outputs = predictor((_example(snippet, model) for snippet in read), source.count, 'flow')
        for snippet, output in zip(shown, outputs):
            flow = output['flow']
            if pictures.wanted:
                pictures.write(snippet.number, flow_picture(_target(snippet), flow))
            if run.flow_size == 'original':
                flow = resize_flow(flow, *snippet.size, bilinear=True)
            _write(folders, '%06d' % snippet.number, flow)
    print('flow of %d images: %s' % (source.count, output_dir))
    return source.count


def _predictor(run, model, runtime):
    size = (model.img_height, model.img_width)
    shapes = {'target': size + (3,), 'sources': size + (3 * model.num_sources,)}
    if model.flownet_type == 'residual':
        shapes['intrinsics'] = (4, 3, 3)

    def build(target, sources, intrinsics=None):
        return {'flow': predict_flow(target, sources, intrinsics, model)[0]}

    return Predictor(build, shapes, run.init_ckpt_file, run.batch_size, runtime,
                     {'intrinsics': np.float32})


def _target(snippet):
    return snippet.frames[len(snippet.frames) // 2]


def _example(snippet, model):
    middle = len(snippet.frames) // 2
    others = np.delete(snippet.frames, middle, axis=0)
    example = {'target': snippet.frames[middle], 'sources': np.concatenate(list(others), axis=-1)}
    if model.flownet_type == 'residual':
        if snippet.intrinsics is None:
            raise UserError('residual flow needs the camera of these frames: '
                            '--intrinsics=fx,fy,cx,cy')
        example['intrinsics'] = multi_scale_intrinsics(snippet.intrinsics)
    return example


def _write(folders, name, flow):
    write_flo(os.path.join(folders['binary'], name + '.flo'), flow)
    write_png(os.path.join(folders['color'], name + '.png'), flow_to_colour(flow))
    write_kitti_flow(os.path.join(folders['png'], name + '.png'), flow)
