"""Properties of the whole package."""
import importlib

import pytest

from repository import ROOT, run
from vo_common.errors import UserError

MODULES = sorted(path for path in (ROOT / 'kitti_eval').glob('[a-z]*.py'))
TOOLS = [path.stem for path in MODULES if "__name__ == '__main__'" in path.read_text()]


def test_evaluation_runs_without_tensorflow():
    code = 'import sys\n%s\nassert "tensorflow" not in sys.modules' % '\n'.join(
        'import kitti_eval.%s' % path.stem for path in MODULES)
    done = run('-c', code, cwd=ROOT)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize('tool', TOOLS)
def test_a_tool_without_its_flags_raises_an_error_message(tool):
    with pytest.raises(UserError):
        importlib.import_module('kitti_eval.' + tool).main([])
