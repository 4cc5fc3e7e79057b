import os
import shutil

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from kitti_data import images
from kitti_data.canonical_camera import camera_of
from kitti_data.pipeline import formatted
from kitti_data.pipeline.augmentation import AugmentConfig
from vo_common.errors import UserError

HEIGHT, WIDTH = 16, 32
SHARES = (0.58, 1.92, 0.49, 0.48)


@pytest.fixture
def dataset_dir(tmp_path):
    """Ten training and two validation examples; frame f of example e is nearly all 20 e + 5 f, and
    its focal length is e + 10."""
    folder = tmp_path / 'formatted set'
    (folder / '00').mkdir(parents=True)
    for example in range(12):
        strip = np.concatenate([np.full((HEIGHT, WIDTH, 3), 20 * example + 5 * frame, np.uint8)
                                for frame in range(3)], axis=1)
        images.write_jpeg(str(folder / '00' / ('%06d.jpg' % example)), strip, 100)
        (folder / '00' / ('%06d_cam.txt' % example)).write_text(
            '%f,0.,16.0,0.,%f,8.0,0.,0.,1.' % (example + 10, example + 10))
    lines = ['00 %06d\n' % example for example in range(12)]
    (folder / 'train.txt').write_text(''.join(lines[:10]))
    (folder / 'val.txt').write_text(''.join(lines[10:]))
    return folder


def batches(folder, count, split='train', after_the_checks=lambda: None, **kwargs):
    shape = dict(seq_length=3, img_height=HEIGHT, img_width=WIDTH, canonical_camera=())
    shape.update({name: kwargs.pop(name) for name in shape if name in kwargs})
    with tf.Graph().as_default(), tf.Session() as session:
        examples = formatted.FormattedSet(str(folder), split, **shape)
        after_the_checks()
        dataset = examples.dataset(2, **kwargs)
        batch = tf.data.make_one_shot_iterator(dataset).get_next()
        return [session.run(batch) for _ in range(count)]


@pytest.mark.parametrize('seq_length', [3, 5])
def test_frames_are_unpacked_as_published(numbers, seq_length):
    frames = formatted.unpack_strip(numbers['in_unpack_seq%d' % seq_length], seq_length)
    np.testing.assert_array_equal(frames[..., :3], numbers['out_unpack_seq%d_tgt' % seq_length])
    np.testing.assert_array_equal(frames[..., 3:], numbers['out_unpack_seq%d_src' % seq_length])


def test_batches_have_static_shapes_and_types(dataset_dir):
    dataset = formatted.FormattedSet(str(dataset_dir), 'train', 3, HEIGHT, WIDTH).dataset(2)
    assert tf.data.get_output_types(dataset) == {'frames': tf.uint8, 'intrinsics': tf.float32}
    shapes = tf.data.get_output_shapes(dataset)
    assert {name: shape.as_list() for name, shape in shapes.items()} == {
        'frames': [2, HEIGHT, WIDTH, 9], 'intrinsics': [2, 3, 3]}


def test_the_canonical_camera_replaces_those_of_all_examples(dataset_dir):
    wanted = camera_of(SHARES, HEIGHT, WIDTH)
    for batch in batches(dataset_dir, 3, canonical_camera=SHARES):
        np.testing.assert_allclose(batch['intrinsics'], [wanted, wanted], rtol=1e-6)
    changed = batches(dataset_dir, 1, canonical_camera=SHARES,
                      augment=AugmentConfig())[0]['intrinsics']
    assert (changed[:, 0, 0] > wanted[0, 0]).all()


def test_image_and_intrinsics_of_an_example_stay_together(dataset_dir):
    for batch in batches(dataset_dir, 15):
        for frames, intrinsics in zip(batch['frames'], batch['intrinsics']):
            example = int(round(intrinsics[0, 0])) - 10
            wanted = 20 * example + np.repeat([5, 0, 10], 3)
            assert np.abs(frames.astype(int) - wanted).max() <= 3
            np.testing.assert_allclose(intrinsics[:, 2], [16, 8, 1])


@pytest.mark.parametrize('split, first', [('train', 0), ('val', 10)])
def test_a_set_holds_the_examples_of_its_list(dataset_dir, split, first):
    batch, = batches(dataset_dir, 1, split, shuffle=False)
    assert batch['intrinsics'][:, 0, 0].tolist() == [first + 10, first + 11]


@pytest.mark.parametrize('threads', [1, 4])
def test_a_resumed_run_reads_identical_batches(dataset_dir, threads):
    augment = AugmentConfig()
    unbroken = batches(dataset_dir, 9, augment=augment, num_threads=4)
    resumed = batches(dataset_dir, 3, augment=augment, num_threads=threads, start=12)
    for one, other in zip(unbroken[6:], resumed):
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])


def test_augmentation_differs_between_epochs(dataset_dir):
    first, second = [sorted(k[0, 0] for batch in batches(
        dataset_dir, 5, augment=AugmentConfig(), start=start) for k in batch['intrinsics'])
        for start in (0, 10)]
    assert not set(first) & set(second)


@pytest.mark.parametrize('name,content,message', [
    ('train.txt', None, 'train.txt does not exist; .*prepare_train_data'),
    ('train.txt', '00 000099\n', '000099.jpg is in the list of examples but does not exist'),
    ('00/000004.jpg', '', '000004.jpg is in the list of examples but empty'),
    ('00/000000.jpg', 'no jpeg', 'cannot read image .*000000.jpg'),
    ('00/000000_cam.txt', '1,0,1,0,1,1,0,0', '000000_cam.txt: found .*must be 9 finite numbers'),
    ('00/000000_cam.txt', '1,0,1,0,nan,1,0,0,1', '000000_cam.txt: found .*must be 9 finite')])
def test_bad_sets_are_refused_before_training(dataset_dir, name, content, message):
    (dataset_dir / name).unlink()
    if content is not None:
        (dataset_dir / name).write_text(content)
    with pytest.raises(UserError, match=message):
        batches(dataset_dir, 1)


@pytest.mark.parametrize('name, content, message', [
    ('000007.jpg', lambda whole: whole[:-30], 'cannot read image .*000007.jpg: '),
    ('000007.jpg', lambda whole: b'', 'cannot read image .*000007.jpg: it is empty'),
    ('000007_cam.txt', lambda whole: b'1,0,1,0,1,1,0,0', 'camera file .*000007_cam.txt: found'),
    ('000007.jpg', None, '000007.jpg: is 8 high and 8 wide')])
def test_files_that_break_the_training_are_reported(dataset_dir, name, content, message):
    def break_it():
        path = dataset_dir / '00' / name
        if content:
            path.write_bytes(content(path.read_bytes()))
        else:
            images.write_jpeg(str(path), np.zeros((8, 8, 3), np.uint8))

    with pytest.raises(tf.errors.OpError, match='UserError: .*' + message):
        batches(dataset_dir, 10, after_the_checks=break_it)


def test_folders_whose_names_are_not_utf8_are_read(dataset_dir, tmp_path):
    odd = os.fsdecode(os.fsencode(str(tmp_path)) + b'/caf\xe9')
    shutil.copytree(str(dataset_dir), odd)
    np.testing.assert_array_equal(batches(odd, 1)[0]['frames'],
                                  batches(dataset_dir, 1)[0]['frames'])


@pytest.mark.parametrize('count, shares', [
    (80, [39, 38, 3]), (6, [2, 2, 2]), (3, [1, 1, 1]), (1, [0, 1, 0]), (153, [100, 50, 3]),
    (1000, [100, 50, 3])])
def test_chosen_examples_are_spread_over_folders_and_evenly_within_each(count, shares):
    lengths = {'00': 100, '03': 50, '08': 3}
    prefixes = ['%s/%06d' % (folder, number) for folder, length in lengths.items()
                for number in range(length)]
    chosen = formatted.spread_over_folders(prefixes, count)
    assert chosen == sorted(set(chosen))
    found = [[int(path[3:]) for path in chosen if path.startswith(folder)] for folder in lengths]
    # Which of two folders gets the odd one does not matter.
    assert sorted(map(len, found)) == sorted(shares)
    for numbers, length in zip(found, lengths.values()):
        # As far from both ends as from each other, to a frame.
        gaps = np.diff([-length / len(numbers) / 2] + numbers) if numbers else []
        assert all(abs(gap - length / len(numbers)) <= 1 for gap in gaps)
