"""The demo removes what it wrote itself, and nothing else."""
import pytest

from experiments import demo
from npu_runtime.run_folder import RunFolder
from vo_common.errors import UserError


@pytest.mark.parametrize('part', ['kitti', 'geonet', 'convlstm_vo'])
def test_a_folder_that_no_demo_wrote_is_left_alone(tmp_path, part):
    own = tmp_path / part / 'work of years'
    own.mkdir(parents=True)
    with pytest.raises(UserError, match='--output_dir=.*: holds %s, which no demo wrote' % part):
        demo.main(['--output_dir=%s' % tmp_path])
    assert own.exists()


def test_what_an_earlier_demo_left_is_removed_and_what_lies_beside_it_stays(tmp_path):
    folder, beside = tmp_path / 'demo', tmp_path / 'demo' / 'notes.txt'
    demo.emptied(str(folder))
    (folder / 'geonet' / 'run').mkdir(parents=True)
    beside.write_text('mine')
    demo.emptied(str(folder))
    assert not (folder / 'geonet').exists() and beside.read_text() == 'mine'


def test_a_second_demo_leaves_the_folder_of_the_first_alone(tmp_path):
    run = tmp_path / 'geonet' / 'run'
    demo.emptied(str(tmp_path))
    run.mkdir(parents=True)
    with RunFolder(str(tmp_path)), pytest.raises(UserError, match='is in use by another'):
        demo.main(['--output_dir=%s' % tmp_path])
    assert run.exists()
