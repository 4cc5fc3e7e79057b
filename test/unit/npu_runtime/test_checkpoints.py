"""Checkpoints: found by prefix or folder, checked before use, loaded by name."""
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from checkpoint_values import write_values
from npu_runtime import checkpoints
from vo_common.errors import UserError


@pytest.fixture
def folder(tmp_path):
    """Steps 5 and 40, saved in the other order of time, and a best one."""
    write_values(tmp_path / 'model-40', {'w': np.float32([4, 4]), 'global_step': np.int64(40)})
    write_values(tmp_path / 'model-5', {'w': np.float32([5, 5]), 'global_step_1': np.int64(5),
                                        'w/Adam': np.float32([0, 0]), 'old/v': np.float32([0, 0])})
    write_values(tmp_path / 'model-best', {'w': np.float32([9, 9])})
    return tmp_path


def restored(path, shape=(2,), names=('w',), **kwargs):
    with tf.Graph().as_default(), tf.Session() as session:
        tf.train.get_or_create_global_step()
        variables = [tf.get_variable(name, list(shape), initializer=tf.ones_initializer())
                     for name in names]
        session.run(tf.global_variables_initializer())
        checkpoints.restore(session, str(path), **kwargs)
        return session.run(variables)


def test_a_folder_stands_for_its_checkpoint_with_the_highest_step(folder):
    assert checkpoints.latest(str(folder)) == str(folder / 'model-40')


def test_a_checkpoint_that_is_removed_meanwhile_is_skipped(folder, capsys):
    (folder / 'model-60.index').symlink_to(folder / 'gone.index')
    assert checkpoints.latest(str(folder)) == str(folder / 'model-40')
    assert 'model-60 is damaged' in capsys.readouterr().err


def test_a_step_that_is_no_number_of_steps_is_reported_once(folder, capsys):
    broken = write_values(folder / 'model-70', {'global_step': np.int64(-5)})
    assert checkpoints.latest(str(folder)) == str(folder / 'model-40')
    assert capsys.readouterr().err == (
        'warning: checkpoint %s is damaged (global_step is -5, must be a number of steps); '
        'falling back to the one before\n' % broken)
    with pytest.raises(UserError, match='^checkpoint %s: global_step is -5, must' % broken):
        checkpoints.read_step(broken)


def test_a_prefix_may_end_like_one_of_its_files(folder):
    for ending in ('', '.index', '.data-00000-of-00001'):
        assert checkpoints.latest(str(folder / ('model-5' + ending))) == str(folder / 'model-5')


def test_missing_checkpoints_are_reported(tmp_path, folder):
    with pytest.raises(UserError, match='model-6'):
        checkpoints.latest(str(folder / 'model-6'))
    (tmp_path / 'empty').mkdir()
    with pytest.raises(UserError, match='empty: holds no checkpoint'):
        checkpoints.latest(str(tmp_path / 'empty'))


def test_the_step_of_a_published_checkpoint_is_read(folder):
    assert checkpoints.read_step(str(folder / 'model-5')) == 5
    assert checkpoints.read_step(str(folder / 'model-best')) == -1


def test_restoring_logs_the_file_and_unused_variables(folder, capsys):
    np.testing.assert_array_equal(restored(folder / 'model-5')[0], [5, 5])
    said = capsys.readouterr().out
    assert 'loaded 1 variables from %s (step 5)' % (folder / 'model-5') in said
    assert '1 in the checkpoint, not used: old/v' in said
    assert 'Adam' not in said


def test_missing_variables_are_listed(folder):
    with pytest.raises(UserError, match='lacks 1 of 2 variables: deep/v'):
        restored(folder, names=('w', 'deep/v'))


def test_variables_in_optional_scopes_may_be_missing(folder, capsys):
    values = restored(folder, names=('w', 'deep/v'), optional_scopes=['deep'])
    np.testing.assert_array_equal(values, [[4, 4], [1, 1]])
    assert 'newly initialized: deep/v' in capsys.readouterr().out


def test_a_different_shape_is_refused_with_both_shapes(folder):
    with pytest.raises(UserError, match=r'w has shape \[2\], must be \[3\]'):
        restored(folder, shape=(3,))


def test_a_finalized_graph_can_be_restored(folder):
    with tf.Graph().as_default() as graph, tf.Session() as session:
        variable = tf.get_variable('w', [2])
        resource = tf.get_variable('r', [2], use_resource=True)
        graph.finalize()
        checkpoints.load_values(session, str(folder / 'model-40'), {'w': variable}, optional=['r'])
        checkpoints.load_values(session, str(folder / 'model-5'), {'w': resource})
        np.testing.assert_array_equal(session.run([variable, resource]), [[4, 4], [5, 5]])


def test_damage_to_the_data_is_found(tmp_path):
    prefix = write_values(tmp_path / 'model-1', {'w': np.ones(200, np.float32)})
    assert checkpoints.damage(prefix) == ''
    data = tmp_path / 'model-1.data-00000-of-00001'
    whole = data.read_bytes()
    for spoilt in (whole[:500], whole[:700] + b'\x01' + whole[701:], b''):
        data.write_bytes(spoilt)
        assert checkpoints.damage(prefix)
    data.unlink()
    assert checkpoints.damage(prefix)


def test_weights_that_are_not_finite_are_reported_by_variable(folder):
    prefix = write_values(folder / 'model-41', {'w': np.float32([1, np.nan])})
    with pytest.raises(UserError, match='model-41: is damaged .variable w holds NaN or infinity'
                                        '.*the newest intact checkpoint in this folder is '
                                        '.*model-40$'):
        restored(prefix)


def test_a_file_that_is_not_a_checkpoint_is_reported(tmp_path):
    (tmp_path / 'model-1.index').write_text('nonsense')
    with pytest.raises(UserError, match='none of the 1 checkpoints in'):
        checkpoints.latest(str(tmp_path))
    with pytest.raises(UserError, match='cannot read checkpoint .*model-1'):
        checkpoints.read_step(str(tmp_path / 'model-1'))
