"""Files appear whole; errors name them; programs end with the documented status."""
import os
import subprocess
import sys

import pytest

from repository import ROOT
from vo_common import files
from vo_common.errors import UserError, run_main
from vo_common.parallel import parallel_map, read_ahead


def test_a_failing_writer_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    path = tmp_path / 'result.txt'
    files.write_text(path, 'old')
    with pytest.raises(RuntimeError):
        with files.atomic_write(path) as stream:
            stream.write('half')
            raise RuntimeError
    assert path.read_text() == 'old'
    assert os.listdir(tmp_path) == ['result.txt']


def test_written_files_have_ordinary_permissions(tmp_path):
    path = tmp_path / 'a b' / 'x.json'
    files.make_folder(path.parent)
    files.write_json(path, {'a': [1, 2]})
    plain = tmp_path / 'plain'
    plain.write_text('')
    assert path.stat().st_mode == plain.stat().st_mode
    assert files.read_json(path) == {'a': [1, 2]}


def test_writing_into_a_missing_folder_names_the_file(tmp_path):
    with pytest.raises(UserError, match='cannot write .*missing.*x.txt'):
        files.write_text(tmp_path / 'missing' / 'x.txt', '')


@pytest.mark.parametrize('typed, meant', [
    ('~/kitti', '/somewhere/kitti'), ('$DATA/raw', '/data/raw'), ('$DATA', '/data'),
    ('runs/$DATA/~', 'runs/$DATA/~'), ('./~', './~'), ('', ''), ('a b', 'a b')])
def test_home_and_variables_are_expanded_at_the_beginning_alone(monkeypatch, typed, meant):
    monkeypatch.setenv('HOME', '/somewhere')
    monkeypatch.setenv('DATA', '/data')
    assert files.expand_typed(typed) == meant


def test_folders_really_called_home_are_written_to_and_read_from(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = files.make_folder('$HOME/~')
    assert folder == str(tmp_path / '$HOME' / '~')
    files.write_text('$HOME/~/x.txt', 'here')
    assert files.read_text('$HOME/~/x.txt') == 'here'


def test_a_write_that_the_disk_cuts_short_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / 'result.txt'
    files.write_text(path, 'old')

    def no_space(descriptor):
        raise OSError(28, 'No space left on device')
    monkeypatch.setattr(os, 'fsync', no_space)
    with pytest.raises(UserError, match='cannot write .*result.txt: No space left on device'):
        files.write_text(path, 'new')
    assert path.read_text() == 'old'
    assert os.listdir(tmp_path) == ['result.txt']


def test_text_is_read_without_mark_and_with_any_line_ends(tmp_path):
    path = tmp_path / 'train.txt'
    path.write_bytes(b'\xef\xbb\xbffirst\r\n\r\n third \r\n')
    assert files.numbered_lines(str(path)) == [(1, 'first'), (3, 'third')]
    assert files.read_lines(str(path)) == ['first', 'third']
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\r\n')
    assert files.read_json(str(path)) == {'a': 1}


def test_a_path_with_a_nul_byte_is_refused_with_a_sentence():
    with pytest.raises(UserError, match='NUL'):
        files.read_text('a\0b')


def test_json_nested_without_end_is_named(tmp_path):
    path = tmp_path / 'deep.json'
    path.write_text('[' * 100000)
    with pytest.raises(UserError, match='deep.json'):
        files.read_json(str(path))


@pytest.mark.parametrize('make, message', [
    (lambda p: None, 'does not exist'), (lambda p: p.mkdir(), 'is not a file')])
def test_a_file_that_is_none_says_what_was_found(tmp_path, make, message):
    path = tmp_path / 'calib.txt'
    make(path)
    with pytest.raises(UserError, match='calibration .*calib.txt %s; download it' % message):
        files.require_file(path, 'calibration', 'download it')


def test_a_file_in_the_place_of_a_folder_is_an_error(tmp_path):
    path = tmp_path / 'out'
    path.write_text('')
    with pytest.raises(UserError, match='out'):
        files.make_folder(path)
    with pytest.raises(UserError, match='is not a folder'):
        files.require_folder(path, 'output')


def test_binary_rubbish_is_not_read_as_text(tmp_path):
    path = tmp_path / 'train.txt'
    path.write_bytes(b'\xff\xfe\x00')
    with pytest.raises(UserError, match='train.txt'):
        files.read_lines(path)


def test_broken_json_is_named(tmp_path):
    path = tmp_path / 'config.json'
    path.write_text('{')
    with pytest.raises(UserError, match='config.json: is not valid JSON'):
        files.read_json(path)


def raise_(error):
    raise error


@pytest.mark.parametrize('main, status', [
    (lambda: None, 0), (lambda: 3, 3), (lambda: raise_(UserError('no such flag')), 2),
    (lambda: raise_(KeyboardInterrupt()), 130)])
def test_a_program_ends_with_its_status_and_no_traceback(main, status, capsys):
    with pytest.raises(SystemExit) as stop:
        run_main(main)
    assert stop.value.code == status
    assert 'Traceback' not in capsys.readouterr().err


@pytest.mark.parametrize('processes', [False, True])
def test_parallel_map_keeps_the_order(processes):
    assert parallel_map(abs, range(-20, 0), workers=2, processes=processes) == \
        list(range(20, 0, -1))


def test_parallel_map_passes_errors_on():
    with pytest.raises(ValueError):
        parallel_map(int, ['1', 'x'], workers=2)


def test_read_ahead_keeps_the_order_and_does_not_run_away():
    taken = []

    def items():
        for i in range(100):
            taken.append(i)
            yield i

    results = read_ahead(lambda i: i * i, items(), workers=2)
    assert [next(results) for _ in range(3)] == [0, 1, 4]
    assert len(taken) < 10
    assert list(results) == [i * i for i in range(3, 100)]


def test_what_fails_beside_the_writing_keeps_its_name(tmp_path):
    with pytest.raises(OSError, match='the source is gone'):
        with files.atomic_stream(str(tmp_path / 'a')) as stream:
            stream.write(b'half')
            raise OSError('the source is gone')
    assert not list(tmp_path.iterdir())


def test_a_path_for_tensorflow_has_the_bytes_of_the_disk():
    program = ("import os, sys; sys.path.insert(0, sys.argv[1])\n"
               "from vo_common.files import utf8_path\n"
               "sys.stdout.buffer.write(utf8_path(os.fsdecode(b'/\\xe4\\xb8\\xad')).encode())")
    for environ in ({'LC_ALL': 'C', 'PYTHONUTF8': '0', 'PYTHONCOERCECLOCALE': '0'},
                    {'LC_ALL': 'C.UTF-8'}):
        said = subprocess.run([sys.executable, '-c', program, str(ROOT)], stdout=subprocess.PIPE,
                              env=dict(os.environ, **environ))
        assert said.returncode == 0 and said.stdout == '/中'.encode('utf-8')
    assert files.utf8_path('/\udce9') == '/\udce9'
