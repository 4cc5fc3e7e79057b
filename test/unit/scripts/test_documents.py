"""Files, flags, values and links in documents, recipes and wrappers exist."""
import dataclasses
import functools
import importlib.util
import re
import shlex
import sys
import typing

import pytest

from repository import ROOT, run

READMES = ('README.md', 'README.zh-CN.md')
DOCUMENTS = READMES + ('CONTRIBUTING.md',) + tuple(
    sorted('docs/' + path.name for path in (ROOT / 'docs').glob('*.md')))
SHELL_SCRIPTS = sorted(
    str(path.relative_to(ROOT)) for pattern in ('scripts/*.sh', 'scripts/recipes/*.sh', 'test/*.sh')
    for path in ROOT.glob(pattern))
# Commands of other makers, which a document may name.
OTHER_PROGRAMS = ('cd', 'git', 'source', 'tensorboard', 'export', 'apt-get')
_ASSIGNMENT = re.compile(r'[A-Z_]+=')


class _Seen(Exception):
    """Ends a program where it reads its flags."""


@functools.lru_cache(maxsize=None)
def flags_of(program):
    """{flag without dashes: (type, choices)} of a Python program, by the dataclasses it reads."""
    if program.startswith('test/modelarts_entry'):
        declared = re.findall(r"add_argument\('--(\w+)'", read('test/modelarts.py'))
        return dict(wrapper_flags(), **{name: (str, None) for name in declared})
    if program == 'scripts/prepare.py':
        return dict(flags_of('kitti_data/preparation/prepare_train_data.py'),
                    **flags_of('kitti_eval/generate_multiview_extension.py'))
    path = list(sys.path)
    spec = importlib.util.spec_from_file_location(program.replace('/', '_')[:-3],
                                                  str(ROOT / program))
    module = importlib.util.module_from_spec(spec)
    flags = {}

    def record(description, *config_classes, **keywords):
        for config in config_classes:
            for field in dataclasses.fields(config):
                kind = typing.get_type_hints(config)[field.name]
                for name in (field.name,) + field.metadata['aliases']:
                    flags[name] = kind, field.metadata['choices']
                if kind is bool:
                    flags['no' + field.name] = bool, None
                if field.metadata['topic']:
                    flags[field.metadata['topic'][0]] = bool, None
        raise _Seen

    try:
        sys.modules[spec.name] = module  # where dataclasses look up their types
        spec.loader.exec_module(module)
        module.parse_flags = record
        with pytest.raises(_Seen):
            module.main([])
    finally:
        sys.path[:] = path
        del sys.modules[spec.name]
    return flags


@functools.lru_cache(maxsize=None)
def wrapper_flags():
    """The flags of test/train_*.sh, by their own usage text."""
    usage = re.search(r'usage\(\) \{(.*?)\n\}', read('test/lib.sh'), re.DOTALL).group(1)
    return {name: (str, None) for name in re.findall(r'^ *--(\w+)=', usage, re.MULTILINE)}


def flags_of_script(script):
    """The flags that a shell script takes: its own, or those of the program it passes them to."""
    if script.startswith('test/'):
        return wrapper_flags()
    if script == 'scripts/recipes/pose_ascend.sh':
        return wrapper_flags()
    passed_on = [line for line in logical_lines(read(script)) if '"$@"' in line]
    for line in passed_on:
        program = re.search(r'(?:\$root/)?(\w+(?:/\w+)+\.py)', line)
        if program:
            return flags_of(program.group(1))
        other = re.search(r'(\w+\.sh)" "\$@"', line)
        if other:
            return flags_of_script('scripts/recipes/' + other.group(1))
    return {}


def read(name):
    return (ROOT / name).read_text(encoding='utf-8')


def logical_lines(text):
    """Lines of a shell text without comments, continued lines joined."""
    lines = text.replace('\\\n', ' ').split('\n')
    return [line.strip() for line in lines if line.strip() and not line.strip().startswith('#')]


def commands(document):
    """The command lines in a document's bash blocks, one space between words, without comments."""
    blocks = re.findall(r'^```bash\n(.*?)^```', read(document), re.DOTALL | re.MULTILINE)
    return [' '.join(shlex.split(line, comments=True))
            for block in blocks for line in logical_lines(block)]


def unknown_flags(words, flags):
    """Faults of the flags among `words`; other words are ignored."""
    wrong = []
    for word in words:
        match = re.match(r'--(\w+)(?:=(.*))?$', word, re.DOTALL)
        if not match:
            continue
        name, value = match.groups()
        if name not in flags:
            wrong.append('no flag --%s' % name)
        elif value and '$' not in value:
            wrong += wrong_value(name, value, *flags[name])
    return wrong


def wrong_value(name, value, kind, choices):
    items = [value] if kind in (str, int, float) else value.split(',')
    if choices and set(items) - {str(choice) for choice in choices}:
        return ['--%s=%s is none of %s' % (name, value, choices)]
    number = {int: int, float: float}.get(kind)
    try:
        if number:
            number(value)
    except ValueError:
        return ['--%s=%s is no %s' % (name, value, kind.__name__)]
    return []


def faults_of(command):
    """What is wrong with one command line of a document."""
    words = [word for word in shlex.split(command)]
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
    if program == 'scripts/train_multi.sh':
        first = next(i for i, word in enumerate(words) if word.endswith('.py'))
        own = {name: (str, None) for name in ('np', 'hosts')}
        program, wrong = words[first], unknown_flags(words[:first], own)
        return wrong + faults_of(' '.join(['python', program] + words[first + 1:]))
    if not (ROOT / program).is_file():
        return ['no file %s' % program]
    flags = flags_of(program) if program.endswith('.py') else flags_of_script(program)
    return unknown_flags(words, flags)


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
    known = set(wrapper_flags()) | {'np', 'hosts', 'interface', 'help', 'data_url', 'train_url'}
    return known.union(*(flags_of(program) for program in programs()))


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
        match = re.search(r'["/ ](?:\$root/)?(\w+(?:/\w+)+\.py)"?( .*|$)', line)
        if match and (ROOT / match.group(1)).is_file():
            words = re.findall(r'(?<=\s)"?(--\w+(?:=[^\s"\']*)?)', match.group(2))
            if words:
                wrong[line] = unknown_flags(words, flags_of(match.group(1)))
    assert {line: faults for line, faults in wrong.items() if faults} == {}


@pytest.mark.parametrize('recipe', [name for name in SHELL_SCRIPTS if '/recipes/' in name])
def test_every_recipe_states_figure_source_and_command(recipe):
    head = read(recipe).split('set -euo')[0]
    assert 'bash %s ' % recipe in head
    assert re.search(r'^# Expected: .*\d', head, re.MULTILINE | re.DOTALL)
    assert re.search(r'^# Source: ', head, re.MULTILINE)
