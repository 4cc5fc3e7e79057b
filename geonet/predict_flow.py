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


def test_flow(run, model, runtime):
    """Writes `binary/%06d.flo`, `color/%06d.png` and `png/%06d.png` (KITTI, 16 bits) per image.

    Also writes the names of the target images and the checkpoint to `flow.json`. The first
    prediction removes all files of an earlier run. Returns the number of images; raises as
    `test_depth`.
    """
    run.require(init_ckpt_file='the checkpoint to predict with', output_dir='the folder for flow')
    source = flow_snippets(run.dataset_dir, run, model)
    output_dir = make_folder(run.output_dir)
    endings = {'binary': '.flo', 'color': '.png', 'png': '.png'}
    with Predictor(lambda: flow_graph(model, run), run.init_ckpt_file, runtime) as predictor, \
            PictureWriter(output_dir, 'pictures', run.pictures, run.video, source.rate) as pictures:
        folders = {name: make_folder(os.path.join(output_dir, name)) for name in endings}
        for place, (snippet, flow) in enumerate(predict_flows(predictor, source, model)):
            if not place:  # until now, the files of an earlier run stay
                _remove_predictions(output_dir, endings)
            if pictures.wanted:
                pictures.write(snippet.number, stacked(snippet.target, flow_to_colour(flow)))
            if run.flow_size == 'original':
                flow = resize_flow(flow, *snippet.size, bilinear=True)
            name = '%06d' % snippet.number
            write_flo(os.path.join(folders['binary'], name + '.flo'), flow)
            write_png(os.path.join(folders['color'], name + '.png'), flow_to_colour(flow))
            write_kitti_flow(os.path.join(folders['png'], name + '.png'), flow)
    write_json(os.path.join(output_dir, FLOW_FILE), {
        'checkpoint': predictor.checkpoint, 'folder': source.folder, 'images': source.names,
        'numbers': source.numbers})
    print('flow of %d images: %s' % (len(source.numbers), output_dir))
    require_whole(source)
    return len(source.numbers)


def _remove_predictions(output_dir, endings):
    """Removes the predictions of an earlier run, of which this one may write only some."""
    remove_others(output_dir, re.escape(FLOW_FILE))
    for name, ending in endings.items():
        remove_others(os.path.join(output_dir, name), r'[0-9]{6,}\%s' % ending)


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
    """Yields (<Snippet>, <float32>[H, W, 2] flow in pixels of its frames) for a whole source.

    Args:
      predict: function (examples, total, desc) that yields the outputs of `flow_graph`.
      source: <SnippetSource>.
      model: <ModelConfig>.
    """
    read, shown = itertools.tee(source.read())
    outputs = predict((_example(snippet, model) for snippet in read), len(source.numbers), 'flow')
    for snippet, output in zip(shown, outputs):
        yield snippet, output['flow']


def _needs_camera(model):
    return model.flownet_type == 'residual'


def _example(snippet, model):
    example = {'target': snippet.target, 'sources': snippet.sources}
    if _needs_camera(model):
        # As in training: flow is in pixels, whichever camera the rigid flow assumes.
        example['intrinsics'] = (
            camera_of(model.canonical_camera, model.img_height, model.img_width)
            if model.canonical_camera else snippet.intrinsics)
    return example
