"""`--mode=test_depth`: depth, up to scale, of each frame of a source."""
import itertools
import os

from geonet.flipped import predictions
from geonet.pictures import PictureWriter, depth_picture
from geonet.predict_pose import pose_graph, predict_windows, source_camera
from kitti_data.depth_files import write_depths, write_kitti_depth
from kitti_data.frame_source import depth_frames, require_whole
from kitti_data.snippet_source import sequence_source
from npu_runtime.predictor import BatchedGraph, Predictor
from vo_common.console import warn
from vo_common.files import make_folder, remove_others, write_json
from vo_common.opencv import cv2

_MOST_LOST = 0.01  # tolerated fraction of pixels outside the range of 16-bit depth


def test_depth(run, model, runtime):
    """Writes `<output_dir>/<checkpoint name>.npy`, float32 [n, H, W], depth up to scale.

    Also writes a JSON file with the names of the frames in order, their folder and the checkpoint.
    `--pictures` adds a folder of PNGs and `--video` a video, each frame above its depth.
    `--pictures=16bit` adds `<checkpoint name>_16bit/%010d.png`: depth times `--depth_scale` as
    KITTI depth PNGs, in the order of the names.

    With `--refine_steps`, the depth of each frame is refined on its neighbours, see `Refiner`.

    Raises:
      UserError: there is no frame, a frame is broken, or a depth is not finite; with refinement,
        the frames are not successive or have no camera. For a truncated video it is raised after
        its frames are written.
    """
    run.require(init_ckpt_file='the checkpoint to predict with', output_dir='the folder for depth')
    if run.refine_steps:
        source = sequence_source(run.dataset_dir, model.seq_length, run.pose_test_seq, run.camera)
        camera, graph = source_camera(source, model, run.intrinsics, run.refine_steps), pose_graph
    else:
        source = depth_frames(run.dataset_dir, run.depth_test_split, run.test_file_list,
                              run.pose_test_seq, run.camera)
        graph = depth_graph
    output_dir, depths = make_folder(run.output_dir), []
    with Predictor(lambda: graph(model, run), run.init_ckpt_file, runtime) as predictor:
        name = os.path.basename(predictor.checkpoint)
        frames, shown = itertools.tee(source.read(model.img_height, model.img_width))
        if run.refine_steps:
            predicted = (found.depth for found in predict_windows(
                predictor, frames, source, model, camera, run.refine_steps,
                beyond=model.num_sources // 2, desc='depth'))
        else:
            predicted = (output['depth'] for output in predictor(
                ({'target': frame} for frame in frames), len(source.names), 'depth'))
        with PictureWriter(output_dir, name, run.pictures is True, run.video,
                           source.rate) as pictures:
            for index, (frame, depth) in enumerate(zip(shown, predicted)):
                depths.append(depth)
                if pictures.wanted:
                    pictures.write(index, depth_picture(frame, depth))
    path = os.path.join(output_dir, name + '.npy')
    write_depths(path, depths)
    write_json(os.path.join(output_dir, name + '.json'),
               {'checkpoint': predictor.checkpoint, 'folder': source.folder,
                'images': source.names})
    if run.pictures == '16bit':
        _write_16_bit(make_folder(os.path.join(output_dir, name + '_16bit')), depths, source.sizes,
                      run.depth_scale)
    print('depth of %d images: %s' % (len(depths), path))
    require_whole(source)


def _write_16_bit(folder, depths, sizes, scale):
    """Writes each depth as `%010d.png`, resized to its image file as `eval_depth.py` does."""
    lost, names = 0.0, ['%010d.png' % index for index in range(len(depths))]
    for name, depth, (height, width) in zip(names, depths, sizes):
        metres = cv2.resize(depth, (width, height), interpolation=cv2.INTER_LINEAR) * scale
        lost += write_kitti_depth(os.path.join(folder, name), metres) / len(depths)
    remove_others(folder, r'[0-9]{10,}\.png', set(names))
    print('16-bit depth: %s' % folder)
    if lost > _MOST_LOST:
        warn('%s: %.3g %% of the pixels are outside of 1/256 to 255.996 m and written as unknown '
             '(--depth_scale=%g: must be the metres per unit of depth)' % (
                 folder, 100 * lost, scale))


def depth_graph(model, run):
    """The <BatchedGraph> target -> depth <float32>[H, W], up to scale."""
    return BatchedGraph(
        lambda target: {'depth': predictions(run).predict_depth(target, model)[0][..., 0]},
        {'target': (model.img_height, model.img_width, 3)}, run.batch_size)
