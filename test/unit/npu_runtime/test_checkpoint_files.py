"""A checkpoint name always stands for an intact checkpoint, wherever a run is killed."""
import os

import numpy as np
import pytest

from checkpoint_values import write_values
from npu_runtime import checkpoint_writer, checkpoints

DATA = '.data-00000-of-00001'


class Killed(BaseException):
    """Replaces SIGKILL: `publish` neither catches it nor cleans up."""


@pytest.fixture(params=[True, False], ids=['links', 'no links'])
def links(request, monkeypatch):
    """File systems with and without hard links."""
    def refuse(*_):
        raise OSError('not supported')
    if not request.param:
        monkeypatch.setattr(os, 'link', refuse)


def write_two(folder, name):
    """The checkpoint `name` of step 1, and beside it the one of step 2 that is to take its name."""
    values = [{'w': np.full([1000], step, np.float32), 'global_step': np.int64(step)}
              for step in (1, 2)]
    prefix = write_values(folder / name, values[0])
    write_values(folder / (name + '.new'), values[1])
    return prefix


def weights(path):
    """The values in the checkpoint that a prefix or folder means; they must all be the same."""
    prefix = checkpoints.latest(str(path))
    found = set(checkpoints.open_reader(prefix).get_tensor('w').tolist())
    assert len(found) == 1, 'of two checkpoints'
    return found.pop()


def publish_until(call, prefix, monkeypatch):
    """Publishes and is killed before the call of that number; False where it ended before."""
    with monkeypatch.context() as patched:
        made = []

        def deadly(function):
            def counted(*arguments):
                made.append(function)
                if len(made) == call:
                    raise Killed()
                return function(*arguments)
            return counted
        for name in ('link', 'replace', 'remove', 'fsync'):
            patched.setattr(os, name, deadly(getattr(os, name)))
        try:
            checkpoint_writer.publish(prefix)
        except Killed:
            return True
    return False


@pytest.mark.parametrize('name', ['model', 'model-best', 'model-latest'])
def test_whenever_a_run_is_killed_the_name_has_one_whole_checkpoint(
        tmp_path, monkeypatch, links, name):
    call, was_killed, seen = 0, True, []
    while was_killed:
        call += 1
        prefix = write_two(tmp_path / str(call), name)
        was_killed = publish_until(call, prefix, monkeypatch)
        seen.append(weights(prefix))
        if name != checkpoints.BEST:
            assert weights(tmp_path / str(call)) == seen[-1]
        # A second kill at the same place, and the run that goes on.
        if os.path.exists(prefix + '.new.index'):
            publish_until(call, prefix, monkeypatch)
        assert weights(prefix) >= seen[-1]
        checkpoint_writer.settle(str(tmp_path / str(call)))
        assert weights(prefix) == 2
        assert not checkpoints.damage(prefix)
        assert sorted(os.listdir(str(tmp_path / str(call)))) == [
            name + DATA, name + '.index']
    # Two files to sync, two to remove, a link (or copy), a rename and a removal.
    assert call > 6 and seen == sorted(seen) and set(seen) == {1, 2}


def test_a_checkpoint_without_index_is_ignored_and_removed(tmp_path):
    """Killed between TensorFlow's own renames: the data have their name, the index has not."""
    prefix = write_two(tmp_path, 'model')
    os.remove(prefix + '.new.index')
    assert weights(prefix) == weights(tmp_path) == 1
    checkpoint_writer.settle(str(tmp_path))
    assert weights(prefix) == 1
    assert not os.path.exists(prefix + '.new' + DATA)


def test_a_damaged_new_checkpoint_never_replaces_an_intact_one(tmp_path):
    """As a power cut may leave it."""
    prefix = write_two(tmp_path, 'model-best')
    os.truncate(prefix + '.new' + DATA, 100)
    assert weights(prefix) == 1
    checkpoint_writer.settle(str(tmp_path))
    assert weights(prefix) == 1 and not os.path.exists(prefix + '.new.index')
