"""Properties of the whole package."""
import importlib

import pytest

from repository import ROOT, run
from vo_common.errors import UserError

MODULES = sorted(path for path in (ROOT / 'kitti_eval').glob('[a-z]*.py'))
TOOLS = [path.stem for path in MODULES if "__name__ == '__main__'" in path.read_text()]


def test_evaluation_starts_without_tensorflow_and_without_matplotlib():
    names = ['kitti_eval.' + path.stem for path in MODULES if path.stem != 'plots']
    code = 'import sys, %s; print({"tensorflow", "matplotlib"} & set(sys.modules))'
    done = run('-c', code % ', '.join(names), cwd=ROOT)
    assert done.stdout == 'set()\n', done.stderr


@pytest.mark.parametrize('tool', TOOLS)
def test_a_tool_without_its_flags_raises_an_error_message(tool):
    with pytest.raises(UserError):
        importlib.import_module('kitti_eval.' + tool).main([])
