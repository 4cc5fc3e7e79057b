"""Folders that cannot be written, disappear or are private; locales, HOME, a clock set back."""
import os
import re
import shutil
import subprocess
import time

import pytest

import cases
import programs as running
from settings import pick
from toy_training import losses_of

QUICK = ['prepare', 'train_toy']
ALL = pick(list(cases.COMMANDS), QUICK)
TRAININGS = pick(list(cases.TRAININGS), ['train_toy'])


@pytest.mark.parametrize('name', ALL)
def test_read_only_disk_fails_with_one_message(name, programs, world, disk):
    locked = disk(1000)
    locked.change('ro')
    ended = programs.run(*cases.COMMANDS[name](world, locked.folder / 'out'))
    running.assert_fails_with_one_message(ended, locked.folder)


@pytest.mark.parametrize('name', ALL)
def test_folder_made_read_only_after_the_first_run_fails_with_one_message_or_does_not_matter(
        name, programs, world, disk):
    locked = disk(1000000)
    command = cases.COMMANDS[name](world, locked.folder / 'out')
    programs.works(*command)
    locked.change('ro')
    ended = programs.run(*command)
    if ended.status != 0:
        running.assert_fails_with_one_message(ended, locked.folder)


@pytest.mark.parametrize('name', ALL)
def test_output_folder_of_another_user_fails_with_one_message(
        name, programs, world, nobody, tmp_path):
    opened = tmp_path / 'of root'
    opened.mkdir(mode=0o755)
    cases.COMMANDS[name](world, opened / 'out')  # makes its input, as root
    _let_read(world.folder)
    _let_read(tmp_path)
    ended = programs.run(*cases.COMMANDS[name](world, opened / 'out'), uid=nobody, cwd='/')
    running.assert_fails_with_one_message(ended, opened)


@pytest.mark.parametrize('name', [name for name in ALL if name not in ('render', 'train_toy')])
def test_unreadable_input_fails_with_one_message(
        name, programs, world, nobody, tmp_path):
    out = tmp_path / 'out'
    out.mkdir()
    out.chmod(0o777)
    command = ' '.join(str(word) for word in cases.COMMANDS[name](world, out))
    _let_read(world.folder)
    for part in sorted(set(re.findall(re.escape(str(world.folder)) + r'/(\w+)', command))):
        private = world.copied_to(tmp_path / part, part)
        _let_read(tmp_path)
        secret = private.folder / part
        subprocess.run(['find', str(secret), '-type', 'f', '-exec', 'chmod', '600', '{}', '+'],
                       check=True)
        ended = programs.run(*cases.COMMANDS[name](private, out), uid=nobody, cwd='/')
        running.assert_no_trace(ended)  # extend_views reports each snippet
        assert ended.status == running.USER_ERROR, running.complaint(ended)
        assert str(secret) in ended.err, running.complaint(ended)


def _let_read(folder):
    """Lets every user read `folder`, which is in a private folder of pytest."""
    for parent in [folder] + list(folder.parents)[:3]:
        os.chmod(str(parent), os.stat(str(parent)).st_mode | 0o055)
    subprocess.run(['chmod', '-R', 'a+rX', str(folder)], check=True)


@pytest.mark.parametrize('name', TRAININGS)
def test_run_whose_folder_is_removed_fails_with_one_message(name, programs, world, tmp_path):
    run = tmp_path / 'run'
    program = programs.start(*cases.train_slowly(name, world, run, 60))
    assert program.wait_until(
        lambda: run.exists() and [one for one in os.listdir(str(run)) if one.endswith('.index')])
    os.rename(str(run), str(tmp_path / 'gone'))
    shutil.rmtree(str(tmp_path / 'gone'))
    running.assert_fails_with_one_message(program.ended(), run)
    assert not run.exists(), 'the run continued in a new folder'


@pytest.mark.parametrize('name', ALL)
def test_programs_work_without_home_and_with_private_files(
        name, programs, world, references, tmp_path):
    without = dict(HOME=None, USER=None, LOGNAME=None, XDG_CACHE_HOME=None)
    programs.works(*cases.COMMANDS[name](world, tmp_path / 'out'), env=without, umask=0o077)
    made = cases.contents(tmp_path / 'out', names_only=True)
    for path in made:
        assert os.stat(str(tmp_path / 'out' / path)).st_mode & 0o077 == 0, path
    if name in cases.WRITERS:
        assert cases.contents(tmp_path / 'out') == cases.contents(references(name)[0])


def test_script_works_without_home(world, tmp_path):
    running.interpreter(tmp_path, *cases.prepare_from_archives(world, tmp_path),
                        env=dict(HOME=None)).works()


def test_wrapper_works_without_home(world, tmp_path):
    """It reports that Python fails, instead of an unbound variable."""
    with running.device('no home') as env:
        env.update(HOME=None, MODELARTS_MODEL_PATH=tmp_path / 'kept', PYTHON='/bin/false')
        ended = running.interpreter(tmp_path, 'test/train_performance_1p.sh',
                                    '--data_path=' + world.kitti, env=env).ended()
    assert 'unbound' not in ended.err, ended.err
    assert ended.status == 1, running.complaint(ended)


@pytest.fixture(scope='module')
def locales(tmp_path_factory):
    """Function from the name of a locale to the variables that select it.

    Compiles every locale but C into a temporary folder; skips the test if that fails.
    """
    folder = tmp_path_factory.mktemp('locales')

    def variables(name):
        if name != 'C':
            language, charmap = name.split('.')
            made = subprocess.run(['localedef', '-i', language, '-f', charmap, str(folder / name)],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if made.returncode > 1 or not (folder / name).exists():
                pytest.skip('localedef cannot make %s' % name)
        # Disables Python's replacement of the C locale by UTF-8, to test the worst case.
        return dict(LOCPATH=folder, LC_ALL=name, LANG=name, PYTHONCOERCECLOCALE='0',
                    PYTHONUTF8='0')
    return variables


@pytest.mark.parametrize('locale', pick(['C', 'zh_CN.GB18030'], ['C']))
@pytest.mark.parametrize('name', pick(['prepare', 'score_odometry', 'train_toy', 'predict_pose'],
                                      ['score_odometry']))
def test_folders_of_any_name_work_in_any_locale(name, locale, locales, world, tmp_path):
    strange = world.copied_to(tmp_path / '中é 数据', 'kitti', 'rigid')
    ended = running.interpreter(tmp_path, *cases.COMMANDS[name](strange, tmp_path / '输出 ü'),
                                env=locales(locale)).ended()
    if (name, locale) == ('train_toy', 'C'):  # TensorFlow's saver cannot encode the path
        running.assert_fails_with_one_message(ended, 'LC_ALL=C.UTF-8')
        return
    assert ended.status == 0, running.complaint(ended)
    assert list((tmp_path / '输出 ü').iterdir())


@pytest.mark.parametrize('locale', pick(['C', 'zh_CN.GB18030'], ['C']))
def test_message_can_name_a_file_that_the_locale_cannot_encode(locale, locales, tmp_path):
    ended = running.interpreter(
        tmp_path, 'kitti_eval/eval_odometry.py', '--gtruth=' + str(tmp_path / '中é.txt'),
        '--pred=x', env=locales(locale)).ended()
    running.assert_fails_with_one_message(ended, 'does not exist')


def test_formatted_set_started_in_one_locale_is_completed_in_another(
        locales, world, references, tmp_path):
    strange = world.copied_to(tmp_path / '中é', 'kitti')
    for number, locale in enumerate(('zh_CN.GB18030', 'C')):
        ended = running.interpreter(tmp_path, *cases.prepare(strange, tmp_path / 'out'),
                                    env=locales(locale)).works()
        assert '%d already existed' % (10 * number) in ended.out
    assert cases.contents(tmp_path / 'out') == cases.contents(references('prepare')[0])


def test_clock_set_back_between_two_runs_changes_no_loss(programs, world, references, tmp_path):
    run = tmp_path / 'run'
    programs.works(*cases.train_toy(world, run, 11))
    later = time.time() + 86400 * 365
    for number, file in enumerate(sorted(os.listdir(str(run)), reverse=True)):
        os.utime(str(run / file), (later - number, later - number))  # reverses the order of times
    ended = programs.works(*cases.train_toy(world, run))
    assert 'step 11' in ended.out
    assert losses_of(run) == losses_of(references('train_toy')[0])
