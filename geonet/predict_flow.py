"""`--mode=test_flow`: optical flow from each target frame to the next frame."""
import itertools
import os
import re

import numpy as np

from geonet.flipped import predictions
from geonet.pictures import PictureWriter, stacked
from kitti_data.canonical_camera import camera_of
from kitti_data.flow_files import (
    FLOW_FILE, flow_to_colour, resize_flow, write_flo, write_kitti_flow)
from kitti_data.frame_source import require_whole
from kitti_data.images import write_png
from kitti_data.snippet_source import snippets
from npu_runtime.predictor import BatchedGraph, Predictor
from vo_common.errors import UserError
from vo_common.files import make_folder, remove_others, write_json

# Folder of each format, ending and writer of its files.
_FORMATS = (('binary', '.flo', write_flo),
            ('color', '.png', lambda path, flow: write_png(path, flow_to_colour(flow))),
            ('png', '.png', write_kitti_flow))


def test_flow(run, model, runtime):
    """Writes `binary/%06d.flo`, `color/%06d.png` and `png/%06d.png` (KITTI, 16 bits) per image.

    Also writes the names of the target images and the checkpoint to `flow.json`. The first
    prediction removes all files of an earlier run, of which this one may write only some. Raises as
    `test_depth`.
    """
    run.require(init_ckpt_file='the checkpoint to predict with', output_dir='the folder for flow')
    source = flow_snippets(run.dataset_dir, run, model)
    output_dir = make_folder(run.output_dir)
    with Predictor(lambda: flow_graph(model, run), run.init_ckpt_file, runtime) as predictor, \
            PictureWriter(output_dir, 'pictures', run.pictures, run.video, source.rate) as pictures:
        folders = [make_folder(os.path.join(output_dir, name)) for name, _, _ in _FORMATS]
        for place, (snippet, flow) in enumerate(predict_flows(predictor, source, model)):
            if not place:
                remove_others(output_dir, re.escape(FLOW_FILE))
                for folder, (_, ending, _) in zip(folders, _FORMATS):
                    remove_others(folder, r'[0-9]{6,}\%s' % ending)
            if pictures.wanted:
                pictures.write(snippet.number, stacked(snippet.target, flow_to_colour(flow)))
            if run.flow_size == 'original':
                flow = resize_flow(flow, *snippet.size, bilinear=True)
            for folder, (_, ending, write) in zip(folders, _FORMATS):
                write(os.path.join(folder, '%06d%s' % (snippet.number, ending)), flow)
    write_json(os.path.join(output_dir, FLOW_FILE), {
        'checkpoint': predictor.checkpoint, 'folder': source.folder, 'images': source.names,
        'numbers': source.numbers})
    print('flow of %d images: %s' % (len(source.numbers), output_dir))
    require_whole(source)


def flow_snippets(path, run, model):
    """The <SnippetSource> at `path`, with intrinsics if the model needs them.

    Raises:
      UserError: as `snippets`; nothing reads --intrinsics.
    """
    camera_needed = _needs_camera(model) and not model.canonical_camera
    if run.intrinsics and not camera_needed:
        raise UserError('--intrinsics: must not be given to predict flow with %s (nothing reads '
                        'it)' % ('--canonical_camera' if model.canonical_camera
                                 else '--flownet_type=direct'))
    return snippets(path, model.seq_length, model.img_height, model.img_width, run.pose_test_seq,
                    run.camera, run.intrinsics, camera_needed, model.half_pixel_centers,
                    run.frame_step)


def flow_graph(model, run):
    """The <BatchedGraph> target, sources (, intrinsics) -> flow <float32>[H, W, 2], pixels."""
    size = (model.img_height, model.img_width)
    shapes = {'target': size + (3,), 'sources': size + (3 * model.num_sources,)}
    if _needs_camera(model):
        shapes['intrinsics'] = (3, 3)

    def build(target, sources, intrinsics=None):
        return {'flow': predictions(run).predict_flow(target, sources, intrinsics, model)[0]}

    return BatchedGraph(build, shapes, run.batch_size, {'intrinsics': np.float32})


def predict_flows(predict, source, model):
    """Yields (<Snippet>, <float32>[H, W, 2] flow in pixels of its frames) for a <SnippetSource>.

    `predict` is a function (examples, total, desc) that yields the outputs of `flow_graph`.
    """
    def example(snippet):
        inputs = {'target': snippet.target, 'sources': snippet.sources}
        if _needs_camera(model):
            # As in training: flow is in pixels, whichever camera the rigid flow assumes.
            inputs['intrinsics'] = (
                camera_of(model.canonical_camera, model.img_height, model.img_width)
                if model.canonical_camera else snippet.intrinsics)
        return inputs

    read, shown = itertools.tee(source.read())
    for snippet, output in zip(shown, predict(map(example, read), len(source.numbers), 'flow')):
        yield snippet, output['flow']


def _needs_camera(model):
    return model.flownet_type == 'residual'
