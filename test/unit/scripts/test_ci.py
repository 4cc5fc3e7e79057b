""".ci/run: every part runs, in new environments, and each of them can fail the whole."""
import os
import shutil

import pytest

from repository import ROOT, run

PARTS = ['make ENGINE=reference VENV=.venv-reference env',
         'make ENGINE=newest VENV=.venv-newest env',
         'make ENGINE=reference VENV=.venv-reference test',
         'make ENGINE=newest VENV=.venv-newest test',
         'make ENGINE=newest VENV=.venv-newest test-distributed']


def run_ci(folder, fails=''):
    """(CompletedProcess, commands run) with a stand-in for make that fails at one of them."""
    (folder / 'clone' / '.ci').mkdir(parents=True)
    shutil.copy(str(ROOT / '.ci' / 'run'), str(folder / 'clone' / '.ci'))
    for name in ('.venv', '.venv-reference'):
        (folder / 'clone' / name).mkdir()
    make = folder / 'make'
    make.write_text('#!/bin/sh\necho "make $*" >> "$RECORD"\n'
                    'echo "$2: the other is ${OTHER_PYTHON##*/clone/}"\n'
                    '[ "make $*" != "$FAILS" ] || exit 3\n'
                    '[ ! -e .venv-reference ] && [ -z "$PYTHON$TENSORFLOW" ]\n')
    make.chmod(0o755)
    done = run('bash', folder / 'clone' / '.ci' / 'run',
               PATH='%s:%s' % (folder, os.environ['PATH']), FAILS=fails,
               RECORD=str(folder / 'record'), PYTHON='python3.7', TENSORFLOW='gpu')
    assert (folder / 'clone' / '.venv').is_dir()
    return done, (folder / 'record').read_text().splitlines()


def test_all_parts_run_from_new_environments_and_tell_how_long_they_took(tmp_path):
    done, commands = run_ci(tmp_path)
    assert done.returncode == 0 and commands == PARTS
    assert 'unit and fault tests, newest engine: passed in ' in done.stdout
    for engine, other in (('reference', 'newest'), ('newest', 'reference')):
        assert 'VENV=.venv-%s: the other is .venv-%s/bin/python\n' % (engine, other) in done.stdout
    assert done.stdout.splitlines()[-1].startswith('all parts: ')


@pytest.mark.parametrize('part', [PARTS[0], PARTS[3]])
def test_a_part_that_fails_fails_the_run_and_the_others_run_all_the_same(tmp_path, part):
    done, commands = run_ci(tmp_path, fails=part)
    assert done.returncode == 1 and commands == PARTS
    assert done.stdout.count('FAILED with status 3') == 1
