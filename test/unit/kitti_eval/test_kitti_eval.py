"""What holds for the whole package."""
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
TOOLS = sorted(path for path in (ROOT / 'kitti_eval').glob('*.py')
               if "__name__ == '__main__'" in path.read_text())


def run(arguments, folder):
    return subprocess.run([sys.executable] + arguments, cwd=str(folder), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, universal_newlines=True)


def test_evaluation_runs_without_tensorflow():
    modules = sorted(path.stem for path in (ROOT / 'kitti_eval').glob('*.py'))
    assert 'eval_pose' in modules
    code = 'import sys\n%s\nassert "tensorflow" not in sys.modules' % '\n'.join(
        'import kitti_eval.%s' % name for name in modules if name != '__init__')
    done = run(['-c', code], ROOT)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize('tool', TOOLS, ids=lambda path: path.stem)
def test_a_tool_without_its_flags_says_what_it_wants(tool, tmp_path):
    done = run([str(tool)], tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith('error: ')
    assert 'Traceback' not in done.stderr


def test_help_shows_the_flags_and_their_meaning(tmp_path):
    done = run([str(ROOT / 'kitti_eval' / 'eval_pose.py'), '--help'], tmp_path)
    assert done.returncode == 0
    assert 'usage: eval_pose.py' in done.stdout
    assert '--gtruth_dir' in done.stdout and '--plot' in done.stdout
