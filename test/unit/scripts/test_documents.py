"""Files, flags, values and links in documents, recipes and wrappers exist."""
import contextlib
import functools
import importlib
import io
import re
import shlex
import shutil
from unittest import mock

import pytest

from repository import ROOT, run, write_program
from vo_common.errors import UserError
from vo_common.flags import parse_flags

READMES = ('README.md', 'README.zh-CN.md')
DOCUMENTS = READMES + ('CONTRIBUTING.md',) + tuple(
    sorted('docs/' + path.name for path in (ROOT / 'docs').glob('*.md')))
SHELL_SCRIPTS = sorted(
    str(path.relative_to(ROOT)) for pattern in ('scripts/*.sh', 'scripts/recipes/*.sh', 'test/*.sh')
    for path in ROOT.glob(pattern))
# Commands of other makers, which a document may name.
OTHER_PROGRAMS = ('cd', 'git', 'source', 'tensorboard', 'export', 'apt-get')
# Programs with other flags than those of a `parse_flags`.
LAUNCHER, WRAPPER = 'scripts/train_multi.sh', 'test/train_full_1p.sh'
MODELARTS = 'test/modelarts_entry_acc.py'
PREPARE = ('scripts/prepare.py', 'scripts/prepare_odometry.sh')
_ASSIGNMENT = re.compile(r'[A-Z_]+=')


class _Parsed(Exception):
    """Ends a program once its flags are parsed."""


def read(name):
    return (ROOT / name).read_text(encoding='utf-8')


def parse(program, words):
    """Runs a Python program until its flags are parsed: list of their faults."""
    module = importlib.import_module(program[:-len('.py')].replace('/', '.'))

    def parse_only(description, *config_classes, argv, **_):
        without_checks = [type(each.__name__, (each,), {'__post_init__': lambda self: None})
                          for each in config_classes]  # whether folders exist
        parse_flags(description, *without_checks, argv=argv)
        raise _Parsed

    with mock.patch.object(module, 'parse_flags', parse_only):
        try:
            module.main(words)
        except _Parsed:
            return []
        except UserError as error:
            return [str(error)]
        except SystemExit as ended:
            return ['%s: %s' % (program, words)] if ended.code else []


@functools.lru_cache(maxsize=None)
def flags_of(program):
    """Names of the flags in the help of a program."""
    if program in (LAUNCHER, WRAPPER, MODELARTS):
        text = run(program, '--help').stdout
    else:
        with contextlib.redirect_stdout(io.StringIO()) as stdout:
            parse(program, ['--help'])
        text = stdout.getvalue()
    return set(re.findall(r'--(\w+)', text))


def unknown(words, *programs):
    """Faults of the flags among `words` that are in the help of none of the programs."""
    names = [word[2:].split('=')[0] for word in words if word[:2] == '--']
    known = set().union(*map(flags_of, programs))
    return ['no flag --%s' % name for name in names
            if name not in known and re.sub('^no', '', name) not in known]


def logical_lines(text):
    """Lines of a shell text without comments, continued lines joined."""
    lines = text.replace('\\\n', ' ').split('\n')
    return [line.strip() for line in lines if line.strip() and not line.strip().startswith('#')]


def commands(document):
    """The command lines in a document's bash blocks, one space between words, without comments."""
    blocks = re.findall(r'^```bash\n(.*?)^```', read(document), re.DOTALL | re.MULTILINE)
    return [' '.join(shlex.split(line, comments=True))
            for block in blocks for line in logical_lines(block)]


def faults_of(command):
    """What is wrong with one command line of a document."""
    words = shlex.split(command)
    while words and _ASSIGNMENT.match(words[0]):
        words.pop(0)
    program = words.pop(0)
    if program == 'make':
        return ['no target %s' % word for word in words if not _ASSIGNMENT.match(word)
                and not re.search(r'^%s:' % word, read('Makefile'), re.MULTILINE)]
    if program in OTHER_PROGRAMS:
        return []
    if program in ('bash', 'python') or program.endswith('/bin/python'):
        program = words.pop(0)
    if not (ROOT / program).is_file():
        return ['no file %s' % program]
    if program == LAUNCHER:
        first = next(i for i, word in enumerate(words) if word.endswith('.py'))
        return unknown(words[:first], LAUNCHER) + faults_of(' '.join(['python'] + words[first:]))
    if program in PREPARE:
        formats = ('kitti_eval/generate_multiview_extension.py' if words[0] == 'kitti2015'
                   else 'kitti_data/preparation/prepare_train_data.py')
        return parse(formats, [word for word in words if word[:2] == '--'])
    if program.startswith('test/'):
        return unknown(words, WRAPPER, MODELARTS)
    # The other scripts take no arguments.
    return parse(program, words) if program.endswith('.py') else words


def prose(document):
    """A document without its code blocks and links' targets."""
    text = re.sub(r'^```.*?^```', '', read(document), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r'\]\([^)]*\)', ']', text)


@pytest.mark.parametrize('document', DOCUMENTS)
def test_every_command_names_files_flags_and_values_that_exist(document):
    wrong = {command: faults_of(command) for command in commands(document)}
    assert {command: faults for command, faults in wrong.items() if faults} == {}


def test_every_program_is_named_in_a_document_or_called_by_a_script():
    named = ' '.join(read(name) for name in DOCUMENTS + tuple(SHELL_SCRIPTS))
    assert [program for program in programs() if program not in named] == []


@pytest.mark.parametrize('part', [
    commands, lambda readme: re.findall(r'^(#+) ', read(readme), re.MULTILINE),
    lambda readme: sorted(re.findall(r'\d+(?:\.\d+)?', prose(readme)))],
    ids=['commands', 'headings', 'figures'])
def test_both_readmes_say_the_same(part):
    english, chinese = [part(readme) for readme in READMES]
    assert english and english == chinese


def programs():
    """The Python programs of the repository, relative to its root."""
    rooms = ('geonet', 'convlstm_vo', 'kitti_data', 'kitti_eval', 'scripts', 'experiments',
             'benchmarks')
    return sorted(str(path.relative_to(ROOT)) for room in rooms
                  for path in (ROOT / room).rglob('*.py')
                  if "__name__ == '__main__'" in path.read_text(encoding='utf-8'))


@functools.lru_cache(maxsize=None)
def known_flags():
    others = [LAUNCHER, WRAPPER, MODELARTS]
    return set().union(*(flags_of(program) for program in programs() + others
                         if program not in PREPARE))


@pytest.mark.parametrize('document', DOCUMENTS)
def test_every_flag_in_the_text_belongs_to_a_program(document):
    named = set(re.findall(r'`--(\w+)', read(document)))
    assert named - known_flags() == set()


@pytest.mark.parametrize('document', DOCUMENTS)
def test_every_relative_link_has_a_target(document):
    links = re.findall(r'\]\(([^)]+)\)', read(document))
    relative = [link for link in links if not re.match(r'\w+://|#', link)]
    folder = (ROOT / document).parent
    assert [link for link in relative if not (folder / link.split('#')[0]).exists()] == []


@pytest.mark.parametrize('script', SHELL_SCRIPTS)
def test_every_script_parses_and_passes_only_existing_flags(script):
    assert run('bash', '-n', ROOT / script).returncode == 0
    wrong = {}
    for line in logical_lines(read(script)):
        words = shlex.split(line) if '.py' in line else []
        for place, word in enumerate(words):
            program = re.sub(r'^\$root/', '', word)
            if program.endswith('.py') and (ROOT / program).is_file() and program not in PREPARE:
                flags = [word for word in words[place + 1:] if word[:2] == '--']
                constant = [word for word in flags if '$' not in word]
                wrong[line] = unknown(flags, program) + parse(program, constant)
    assert {line: faults for line, faults in wrong.items() if faults} == {}


@pytest.mark.parametrize('recipe', [name for name in SHELL_SCRIPTS if '/recipes/' in name])
def test_every_recipe_states_figure_source_and_command(recipe):
    head = read(recipe).split('set -euo')[0]
    assert 'bash %s ' % recipe in head
    assert re.search(r'^# Expected: .*\d', head, re.MULTILINE | re.DOTALL)
    assert re.search(r'^# Source: ', head, re.MULTILINE)


@pytest.mark.parametrize('given, status, said', [
    (['data'], 2, 'error: found no OUTPUT, must be: ODOMETRY OUTPUT\n'),
    (['data', '--lr=1'], 2, 'error: OUTPUT=--lr=1: must be a folder\n'),
    (['data', 'out'], 2, 'error: python3 has no TensorFlow; scripts/setup_env.sh makes an '
                         'environment, .venv\n')])
def test_a_recipe_says_what_it_lacks(tmp_path, given, status, said):
    shutil.copytree(str(ROOT / 'scripts'), str(tmp_path / 'scripts'))
    write_program(tmp_path / 'bin' / 'python3', '#!/bin/sh\nexit 1\n')
    ended = run('scripts/recipes/convlstm_vo.sh', *given, cwd=tmp_path, without=['PYTHON'],
                PATH='%s:/usr/bin:/bin' % (tmp_path / 'bin'))
    assert (ended.returncode, ended.stderr) == (status, said)
