"""Names that a shell, a path or a format string could interpret are taken literally."""
import os
import shutil

import pytest

import cases
import programs as running
from settings import pick
from stand_in_programs import commands_in, horovod_that, stand_in

# Everything that a shell expands, splits or runs; each command would create a file `HIT`.
NAMES = ["a b;touch HIT;'c", '$(touch HIT)`touch HIT`', '"x" & touch HIT | y > HIT',
         'new\nline\ttab', '*?[a-z]{1,2}!~#', '$HOME', '~', '-rf', '--help', '%s%n\\n', '中 é',
         '..x', 'a=b']


@pytest.mark.parametrize('name', pick(list(cases.COMMANDS), ['prepare', 'train_toy']))
def test_program_takes_any_folder_name_literally(name, programs, world, references, tmp_path):
    for number, strange in enumerate(pick(NAMES, NAMES[1:2])):
        there = tmp_path / str(number)
        out = there / strange / 'out' / strange
        command = cases.COMMANDS[name](world.copied_to(there / strange), out)
        (there / 'cwd').mkdir()
        programs.works(*command, cwd=there / 'cwd')
        assert sorted(os.listdir(str(there))) == sorted(['cwd', strange])
        assert not list((there / 'cwd').iterdir()), 'wrote to the working folder'
        if name in cases.WRITERS:
            assert cases.of_any_place(out) == cases.of_any_place(references(name)[0])
        shutil.rmtree(str(there))


@pytest.fixture
def cwd(tmp_path):
    """<pathlib.Path> a working folder that must stay empty; nothing may write `HIT` beside it."""
    folder = tmp_path / 'cwd'
    folder.mkdir()
    yield folder
    assert not list(folder.iterdir()) and not list(tmp_path.glob('HIT'))


@pytest.mark.parametrize('strange', pick(NAMES, NAMES[:1]))
def test_script_takes_any_folder_name_literally(strange, world, references, tmp_path, cwd):
    there = world.copied_to(tmp_path / strange)
    running.interpreter(tmp_path, *cases.prepare_from_archives(there, there.folder),
                        cwd=cwd).works()
    assert cases.contents(there.folder / 'formatted') == cases.contents(references('prepare')[0])


@pytest.mark.parametrize('model', ['geonet', 'convlstm_vo'])
@pytest.mark.parametrize('script', ['test/train_full_1p.sh', 'test/train_performance_1p.sh'])
@pytest.mark.parametrize('strange', pick(NAMES, NAMES[1:2]))
def test_wrapper_passes_any_folder_name_literally(script, strange, model, world, tmp_path, cwd):
    there = world.copied_to(tmp_path / strange)
    output = there.folder / 'out'
    with running.device('hostile') as env:
        env.update(stand_in(tmp_path, tmp_path / 'record'),
                   MODELARTS_MODEL_PATH=there.folder / 'kept')
        running.interpreter(
            tmp_path, script, '--data_path=' + there.kitti, '--output_path=%s' % output,
            '--model=' + model, '--train_steps=2', env=env, cwd=cwd).works()
    flag = 'checkpoint_dir' if model == 'geonet' else 'outputpath'
    assert '--%s=%s/ckpt' % (flag, output) in sum(commands_in(tmp_path / 'record'), [])


@pytest.mark.parametrize('strange', pick(NAMES, NAMES[1:2]))
def test_modelarts_entry_passes_any_folder_name_literally(strange, tmp_path, cwd):
    data = tmp_path / strange / 'absent'
    with running.device('hostile entry') as env:
        ended = running.interpreter(
            tmp_path, 'test/modelarts_entry_acc.py', '--data_url=%s' % data,
            '--train_url=%s' % (tmp_path / strange / 'out'), cwd=cwd, env=env).ended()
    running.assert_fails_with_one_message(ended, data)


def test_rank_launcher_takes_any_name_literally(tmp_path):
    """Checks the commands that Horovod would start, without Horovod."""
    modules = horovod_that(tmp_path, 'import sys\n'
                           'open("record", "w").write("\\0".join(sys.argv[1:]))\n')
    for number, strange in enumerate(NAMES):
        cwd = tmp_path / str(number)
        cwd.mkdir()
        given = ['--checkpoint_dir=%s/%s' % (tmp_path, strange), strange]
        running.interpreter(cwd, 'scripts/train_multi.sh', '--np', '2', 'geonet/main.py', *given,
                            env=dict(PYTHONPATH=modules)).works()
        passed = (cwd / 'record').read_text().split('\0')
        assert passed[-2:] == given, strange


@pytest.mark.parametrize('given', ['$HOME/out', '~/out'])
def test_home_at_the_start_of_a_typed_path_is_expanded(given, programs, world):
    programs.works(*cases.write_snippets(world, given))
    made = programs.home / 'out'
    assert list(made.iterdir())
    shutil.rmtree(str(made))
