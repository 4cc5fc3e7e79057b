"""What holds for the whole package."""

import pytest

from repository import ROOT, run

TOOLS = sorted(path for path in (ROOT / 'kitti_eval').glob('*.py')
               if "__name__ == '__main__'" in path.read_text())


def test_evaluation_runs_without_tensorflow():
    modules = sorted(path.stem for path in (ROOT / 'kitti_eval').glob('*.py'))
    assert 'eval_pose' in modules
    code = 'import sys\n%s\nassert "tensorflow" not in sys.modules' % '\n'.join(
        'import kitti_eval.%s' % name for name in modules if name != '__init__')
    done = run('-c', code, cwd=ROOT)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize('tool', TOOLS, ids=lambda path: path.stem)
def test_a_tool_without_its_flags_exits_with_an_error_message(tool, tmp_path):
    done = run(tool, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith('error: ')
    assert 'Traceback' not in done.stderr
