import pytest
import tensorflow.compat.v1 as tf

from kitti_data.pipeline.order import example_order
from vo_common.errors import UserError


def take(count, *args, **kwargs):
    """The first `count` (index, position) of `example_order`."""
    with tf.Graph().as_default(), tf.Session() as session:
        dataset = example_order(*args, **kwargs)
        pair = tf.data.make_one_shot_iterator(dataset).get_next()
        return [tuple(int(value) for value in session.run(pair)) for _ in range(count)]


def test_each_epoch_visits_every_example_once_in_an_order_of_its_own_and_of_the_seed():
    visited = [index for index, _ in take(60, 20, seed=5)]
    epochs = [visited[:20], visited[20:40], visited[40:]]
    assert all(sorted(epoch) == list(range(20)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]
    assert [[index for index, _ in take(20, 20, seed=seed)] == epochs[0] for seed in (5, 6)] == [
        True, False]


@pytest.mark.parametrize('start', [1, 6, 7, 20])
def test_a_run_that_starts_later_continues_the_same_order(start):
    assert take(10, 7, seed=1, start=start) == take(start + 10, 7, seed=1)[start:]


def test_workers_share_the_examples_without_overlap():
    shards = [take(3, 9, seed=2, rank=rank, size=3) for rank in range(3)]
    assert sorted(index for shard in shards for index, _ in shard) == list(range(9))
    for rank, shard in enumerate(shards):
        assert all(index % 3 == rank for index, _ in shard)


def test_positions_count_the_examples_of_all_workers():
    assert [position for _, position in take(6, 4, seed=2)] == [0, 1, 2, 3, 4, 5]
    later = take(4, 4, seed=2, rank=1, size=2, start=3)
    assert [position for _, position in later] == [7, 9, 11, 13]


def test_without_shuffle_the_order_is_ascending():
    assert [index for index, _ in take(7, 5, seed=2, shuffle=False)] == [0, 1, 2, 3, 4, 0, 1]


def test_a_worker_without_examples_is_an_error():
    with pytest.raises(UserError, match='worker 2 has none'):
        example_order(2, seed=0, rank=2, size=3)
