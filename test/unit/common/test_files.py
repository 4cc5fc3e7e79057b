"""Files appear whole; errors name them; programs end with the documented status."""
import os

import pytest

from common import files
from common.errors import UserError, run_main
from common.parallel import parallel_map, read_ahead


def test_a_failing_writer_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    path = tmp_path / 'result.txt'
    files.write_text(path, 'old')
    with pytest.raises(RuntimeError):
        with files.whole_file(path) as stream:
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


def test_home_and_variables_are_expanded(monkeypatch):
    monkeypatch.setenv('HOME', '/somewhere')
    monkeypatch.setenv('DATA', 'kitti')
    assert files.expand('~/$DATA') == '/somewhere/kitti'


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
    with pytest.raises(UserError, match='config.json is not valid JSON'):
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
