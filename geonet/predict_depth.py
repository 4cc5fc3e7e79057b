"""`--mode=test_depth`: depth up to scale for every frame of a source."""
import itertools
import os

from common.files import make_folder, write_json
from geonet.pictures import PictureWriter, depth_picture
from geonet.predictor import BatchedGraph, Predictor, predictions
from kitti_data.depth_files import write_depths
from kitti_data.frame_source import depth_frames, require_whole


def test_depth(run, model, runtime):
    """Writes `<output_dir>/<checkpoint name>.npy`, float32 [n, H, W], depth up to scale.

    Beside it: a JSON file with the names of the frames in order and the checkpoint; with
    `--pictures` a folder of PNGs and with `--video` a video, each frame over its depth.

    Args:
      run: <RunConfig>.
      model: <ModelConfig>.
      runtime: <RuntimeConfig>.

    Returns:
      The path of the .npy file.

    Raises:
      UserError: no frame can be found, one is broken, a depth is not finite; or, once all others
        are written, a video breaks off.
    """
    run.require(init_ckpt_file='the checkpoint to predict with', output_dir='where depth goes')
    source = depth_frames(run.dataset_dir, run.depth_test_split, run.test_file_list,
                          run.pose_test_seq, run.camera)
    output_dir = make_folder(run.output_dir)
    depths = []
    with Predictor(lambda: _depth_graph(model, run), run.init_ckpt_file, runtime) as predictor:
        name = os.path.basename(predictor.checkpoint)
        frames, shown = itertools.tee(source.read(model.img_height, model.img_width))
        outputs = predictor(({'target': frame} for frame in frames), len(source.names), 'depth')
        with PictureWriter(output_dir, name, run.pictures, run.video,
                           source.rate) as pictures:
            for index, (frame, output) in enumerate(zip(shown, outputs)):
                depths.append(output['depth'])
                if pictures.wanted:
                    pictures.write(index, depth_picture(frame, output['depth']))
    path = os.path.join(output_dir, name + '.npy')
    write_depths(path, depths)
    write_json(os.path.join(output_dir, name + '.json'),
               {'checkpoint': predictor.checkpoint, 'images': source.names})
    print('depth of %d images: %s' % (len(depths), path))
    require_whole(source)
    return path


def _depth_graph(model, run):
    return BatchedGraph(
        lambda target: {'depth': predictions(run).predict_depth(target, model)[0][..., 0]},
        {'target': (model.img_height, model.img_width, 3)}, run.batch_size)
