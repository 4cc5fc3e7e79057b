"""Folders that cannot be written, go away or are private; locales, HOME and a clock set back."""
import os
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
def test_a_read_only_disk_is_one_sentence(name, programs, world, disk):
    locked = disk(1000)
    locked.change('ro')
    ended = programs.run(*cases.COMMANDS[name](world, locked.folder / 'out'))
    running.assert_sentence(ended, locked.folder)


@pytest.mark.parametrize('name', ALL)
def test_a_folder_that_became_read_only_after_the_first_run_is_one_sentence_or_no_matter(
        name, programs, world, disk):
    locked = disk(1000000)
    command = cases.COMMANDS[name](world, locked.folder / 'out')
    programs.works(*command)
    locked.change('ro')
    ended = programs.run(*command)
    if ended.status != 0:
        running.assert_sentence(ended, locked.folder)


@pytest.mark.parametrize('name', ALL)
def test_an_output_folder_of_another_user_is_one_sentence(
        name, programs, world, nobody, tmp_path):
    opened = tmp_path / 'of root'
    opened.mkdir(mode=0o755)
    cases.COMMANDS[name](world, opened / 'out')  # what it reads is made by root
    _let_read(world.folder)
    _let_read(tmp_path)
    ended = programs.run(*cases.COMMANDS[name](world, opened / 'out'), uid=nobody, cwd='/')
    running.assert_sentence(ended, opened)


@pytest.mark.parametrize('name', ALL)
def test_input_that_this_user_may_not_read_is_one_sentence(
        name, programs, world, nobody, tmp_path):
    parts = {'prepare': 'kitti', 'predict_pose': 'rigid', 'predict_depth': 'kitti',
             'prepare_raw': 'raw', 'train_rigid': 'formatted', 'train_motion': 'kitti',
             'unpack': 'archives', 'export_pose': 'rigid', 'write_snippets': 'kitti',
             'extend_views': 'kitti_2015', 'score_pose': 'pose', 'score_odometry': 'kitti',
             'score_depth': 'depth', 'score_flow': 'kitti_2015', 'predict_motion': 'motion'}
    if name not in parts:
        pytest.skip('reads no files')
    _let_read(world.folder)
    private = world.copied_to(tmp_path / 'private', parts[name])
    _let_read(tmp_path)
    secret = private.folder / parts[name]
    for top, _, files in os.walk(str(secret)):
        for file in files:
            os.chmod(os.path.join(top, file), 0o600)
    out = tmp_path / 'out'
    out.mkdir(mode=0o777)
    out.chmod(0o777)
    ended = programs.run(*cases.COMMANDS[name](private, out), uid=nobody, cwd='/')
    running.assert_no_trace(ended)
    assert ended.status == running.USER_ERROR, running.complaint(ended)
    assert str(secret) in ended.err, running.complaint(ended)


def _let_read(folder):
    """Lets every user reach and read what is below `folder` (in pytest's own, which is private)."""
    for parent in [folder] + list(folder.parents)[:3]:
        os.chmod(str(parent), os.stat(str(parent)).st_mode | 0o055)
    subprocess.run(['chmod', '-R', 'a+rX', str(folder)], check=True)


@pytest.mark.parametrize('name', TRAININGS)
def test_a_run_whose_folder_is_removed_tells_so(name, programs, world, tmp_path):
    run = tmp_path / 'run'
    more = ('--slow_reading=0.05',) if name == 'train_toy' else ()
    program = programs.start(*cases.TRAININGS[name](world, run, 60, *more))
    assert program.wait_until(
        lambda: run.exists() and [one for one in os.listdir(str(run)) if one.endswith('.index')])
    os.rename(str(run), str(tmp_path / 'gone'))
    shutil.rmtree(str(tmp_path / 'gone'))
    running.assert_sentence(program.ended(), run)
    assert not run.exists(), 'half of a run in a folder made anew'


@pytest.mark.parametrize('name', ALL)
def test_without_home_and_with_private_files_all_is_as_ever(
        name, programs, world, references, tmp_path):
    without = dict(HOME=None, USER=None, LOGNAME=None, XDG_CACHE_HOME=None)
    programs.works(*cases.COMMANDS[name](world, tmp_path / 'out'), env=without, umask=0o077)
    made = cases.contents(tmp_path / 'out', names_only=True)
    for path in made:
        assert os.stat(str(tmp_path / 'out' / path)).st_mode & 0o077 == 0, path
    if name in cases.WRITERS:
        assert cases.contents(tmp_path / 'out') == cases.contents(references.of(name)[0])


@pytest.mark.parametrize('script', ['scripts/prepare_odometry.sh', 'test/train_performance_1p.sh'])
def test_a_script_needs_no_home(script, world, tmp_path):
    arguments = [world.archives, tmp_path / 'data', tmp_path / 'formatted', '--sequences=0']
    arguments += list(running.SIZE)
    if script.startswith('test/'):
        arguments = ['--data_path=' + world.kitti]
    env = dict(HOME=None, ASCEND_DEVICE_ID='no home', MODELARTS_MODEL_PATH=tmp_path / 'kept')
    if script.startswith('test/'):
        env['PYTHON'] = '/bin/false'
    try:
        ended = running.interpreter(tmp_path, script, *arguments, env=env).ended()
    finally:
        shutil.rmtree(str(running.ROOT / 'test' / 'output' / 'no home'), ignore_errors=True)
    assert 'unbound' not in ended.err, ended.err
    assert ended.status == (1 if script.startswith('test/') else 0), running.complaint(ended)


@pytest.fixture(scope='module')
def locales(tmp_path_factory):
    """Function: name of a locale -> the variables that ask for it; skips where it cannot be made.

    Every locale but C and C.UTF-8 is compiled into a folder of the test's.
    """
    folder = tmp_path_factory.mktemp('locales')

    def variables(name):
        if name != 'C':
            language, charmap = name.split('.')
            made = subprocess.run(['localedef', '-i', language, '-f', charmap, str(folder / name)],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if made.returncode > 1 or not (folder / name).exists():
                pytest.skip('localedef cannot make %s' % name)
        # Python 3.7 and later turn C into UTF-8 unless told not to: the worst case is asked for.
        return dict(LOCPATH=folder, LC_ALL=name, LANG=name, PYTHONCOERCECLOCALE='0',
                    PYTHONUTF8='0')
    return variables


@pytest.mark.parametrize('locale', pick(['C', 'zh_CN.GB18030'], ['C']))
@pytest.mark.parametrize('name', pick(['prepare', 'score_odometry', 'train_toy', 'predict_pose'],
                                      ['score_odometry']))
def test_any_locale_takes_folders_of_any_name(name, locale, locales, world, tmp_path):
    strange = world.copied_to(tmp_path / '中é 数据', 'kitti', 'rigid')
    ended = running.interpreter(tmp_path, *cases.COMMANDS[name](strange, tmp_path / '输出 ü'),
                                env=locales(locale)).ended()
    if (name, locale) == ('train_toy', 'C'):  # TensorFlow's saver cannot, which is told at once
        running.assert_sentence(ended, 'LC_ALL=C.UTF-8')
        return
    assert ended.status == 0, running.complaint(ended)
    assert list((tmp_path / '输出 ü').iterdir())


@pytest.mark.parametrize('locale', pick(['C', 'zh_CN.GB18030'], ['C']))
def test_a_sentence_can_name_a_file_that_the_locale_cannot_write(locale, locales, tmp_path):
    ended = running.interpreter(
        tmp_path, 'kitti_eval/eval_odometry.py', '--gtruth=' + str(tmp_path / '中é.txt'),
        '--pred=x', env=locales(locale)).ended()
    running.assert_sentence(ended, 'does not exist')


def test_a_formatted_set_begun_in_one_locale_is_finished_in_another(
        locales, world, references, tmp_path):
    strange = world.copied_to(tmp_path / '中é', 'kitti')
    for number, locale in enumerate(('zh_CN.GB18030', 'C')):
        ended = running.interpreter(tmp_path, *cases.prepare(strange, tmp_path / 'out'),
                                    env=locales(locale)).ended()
        assert ended.status == 0, running.complaint(ended)
        assert '%d already existed' % (10 * number) in ended.out
    assert cases.contents(tmp_path / 'out') == cases.contents(references.of('prepare')[0])


def test_a_clock_set_back_between_two_runs_changes_no_loss(programs, world, references, tmp_path):
    run = tmp_path / 'run'
    programs.works(*cases.train_toy(world, run, 11))
    later = time.time() + 86400 * 365
    for number, file in enumerate(sorted(os.listdir(str(run)), reverse=True)):
        os.utime(str(run / file), (later - number, later - number))  # the oldest looks newest
    ended = programs.works(*cases.train_toy(world, run))
    assert 'step 11' in ended.out
    assert losses_of(run) == losses_of(references.of('train_toy')[0])
