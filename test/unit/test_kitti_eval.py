"""What holds for the whole package."""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_evaluation_runs_without_tensorflow():
    modules = sorted(path.stem for path in (ROOT / 'kitti_eval').glob('*.py'))
    assert 'eval_pose' in modules
    code = 'import sys\n%s\nassert "tensorflow" not in sys.modules' % '\n'.join(
        'import kitti_eval.%s' % name for name in modules if name != '__init__')
    subprocess.run([sys.executable, '-c', code], cwd=str(ROOT), check=True)


def test_every_tool_starts_from_anywhere_and_explains_itself(tmp_path):
    for path in sorted((ROOT / 'kitti_eval').glob('*.py')):
        if "__name__ == '__main__'" not in path.read_text():
            continue
        done = subprocess.run([sys.executable, str(path), '--help'], cwd=str(tmp_path),
                              stdout=subprocess.PIPE, universal_newlines=True, check=True)
        assert 'usage: %s' % path.name in done.stdout
