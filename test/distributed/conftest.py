"""The toy model of the unit tests serves here too."""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / 'test' / 'helpers')]

from npu_runtime.engine import start_tensorflow  # noqa: E402

start_tensorflow()
