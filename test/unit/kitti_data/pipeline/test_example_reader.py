import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from kitti_data import images
from kitti_data.pipeline.augmentation import AugmentConfig
from kitti_data.pipeline.example_reader import ExampleReader
from vo_common.memory import usable_memory

NUM_EXAMPLES, SEQ_LENGTH, HEIGHT, WIDTH = 6, 3, 16, 32
EXAMPLE_BYTES = SEQ_LENGTH * HEIGHT * WIDTH * 3 + 9 * 4


@pytest.fixture
def prefixes(tmp_path):
    """Examples of noise; the focal length of example e is e + 10."""
    rng = np.random.RandomState(0)
    for example in range(NUM_EXAMPLES):
        strip = rng.randint(0, 256, (HEIGHT, SEQ_LENGTH * WIDTH, 3)).astype(np.uint8)
        images.write_jpeg(str(tmp_path / ('%d.jpg' % example)), strip)
        (tmp_path / ('%d_cam.txt' % example)).write_text(
            '%d,0,16,0,%d,8,0,0,1' % (example + 10, example + 10))
    return [str(tmp_path / str(example)) for example in range(NUM_EXAMPLES)]


def visitor(session, prefixes, cache_bytes):
    """A function (indices, positions), two of each -> their batch as the dataset would have it."""
    reader = ExampleReader(prefixes, SEQ_LENGTH, HEIGHT, WIDTH, AugmentConfig(), 7, cache_bytes)
    indices, positions = (tf.placeholder(tf.int64, [2]) for _ in range(2))
    batch = reader.as_tensors(indices, positions)
    return lambda i, p: session.run(batch, {indices: i, positions: p})


def test_kept_examples_are_what_the_files_hold(prefixes):
    with tf.Graph().as_default(), tf.Session() as session:
        read = visitor(session, prefixes, 0)
        keeping = visitor(session, prefixes, NUM_EXAMPLES * EXAMPLE_BYTES)
        rng = np.random.RandomState(1)
        for position in range(0, 30, 2):
            visit = rng.randint(0, NUM_EXAMPLES, 2), [position, position + 1]
            wanted, found = read(*visit), keeping(*visit)
            for name in wanted:
                np.testing.assert_array_equal(found[name], wanted[name])


def test_batches_do_not_change_after_they_are_made(prefixes):
    with tf.Graph().as_default(), tf.Session() as session:
        visit = visitor(session, prefixes, NUM_EXAMPLES * EXAMPLE_BYTES)
        batches = [visit([0, 1], [position, position + 1]) for position in range(0, 20, 2)]
        copies = [{name: part.copy() for name, part in batch.items()} for batch in batches]
        for position in range(20, 40, 2):
            visit([2, 3], [position, position + 1])
        for batch, copy in zip(batches, copies):
            for name in batch:
                np.testing.assert_array_equal(batch[name], copy[name])


@pytest.mark.parametrize('room', [0, 2, NUM_EXAMPLES])
def test_as_many_are_kept_as_there_is_room_for(prefixes, tmp_path, room):
    with tf.Graph().as_default(), tf.Session() as session:
        visit = visitor(session, prefixes, room * EXAMPLE_BYTES)
        for index in range(0, NUM_EXAMPLES, 2):
            visit([index, index + 1], [0, 1])
        for path in tmp_path.iterdir():
            path.unlink()
        for index in range(0, room, 2):
            assert visit([index, index + 1], [0, 1])['intrinsics'].shape == (2, 3, 3)
        for index in range(room, NUM_EXAMPLES):
            with pytest.raises(tf.errors.NotFoundError, match='%d.jpg' % index):
                visit([index, index], [0, 1])


@pytest.mark.parametrize('files,wanted', [
    ({'proc/meminfo': 'MemTotal: 9 kB\nMemAvailable:    500 kB\n'}, 500 * 1024),
    ({'proc/meminfo': 'MemAvailable: 500 kB\n', 'sys/fs/cgroup/memory.max': 'max\n'}, 500 * 1024),
    ({'proc/meminfo': 'MemAvailable: 500 kB\n', 'sys/fs/cgroup/memory.max': '7000\n'}, 7000),
    ({'proc/meminfo': 'MemAvailable: 500 kB\n',
      'sys/fs/cgroup/memory/memory.limit_in_bytes': '8000\n'}, 8000),
    ({}, 0)])
def test_usable_memory_is_what_is_free_or_the_container_allows(tmp_path, files, wanted):
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert usable_memory(str(tmp_path)) == wanted
