"""The root of the repository, and programs in this process or another one."""
import os
import pathlib
import subprocess
import sys

import pytest

from vo_common.errors import run_main

ROOT = pathlib.Path(__file__).resolve().parents[2]


def write_program(path, text):
    """Writes an executable script to a <pathlib.Path>, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def fails(capsys, main):
    """Runs `main`, which must exit with status 2 without traceback; returns its stderr."""
    with pytest.raises(SystemExit) as ended:
        run_main(main)
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert 'Traceback' not in said
    return said


def run(*command, cwd=None, without=(), timeout=600, **environ):
    """The <CompletedProcess> of a command, with stdout and stderr as <str>.

    Args:
      command: words. A first one that ends in .py (or is `-c`) is run by this interpreter, in .sh
        by bash; it is relative to the repository unless `cwd` is given.
      cwd: folder.
      without: names of environment variables to remove.
      timeout: seconds.
      environ: environment variables to set.
    """
    words = [str(word) for word in command]
    interpreter = {'-c': sys.executable, '.py': sys.executable, '.sh': 'bash'}.get(words[0][-3:])
    if interpreter:
        words = [interpreter, words[0] if cwd or words[0] == '-c' else str(ROOT / words[0])
                 ] + words[1:]
    environment = {name: value for name, value in os.environ.items() if name not in without}
    return subprocess.run(words, cwd=cwd and str(cwd), env=dict(environment, **environ),
                          timeout=timeout, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          universal_newlines=True)
