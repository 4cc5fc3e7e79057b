"""Files are written completely or not at all, and errors name them."""
import os

import pytest

from repository import ROOT, run
from vo_common import files
from vo_common.errors import UserError


def test_written_files_have_ordinary_permissions(tmp_path):
    path = tmp_path / 'a b' / 'x.json'
    files.make_folder(path.parent)
    files.write_json(path, {'a': [1, 2]})
    plain = tmp_path / 'plain'
    plain.write_text('')
    assert path.stat().st_mode == plain.stat().st_mode
    assert files.read_json(path) == {'a': [1, 2]}


@pytest.mark.parametrize('typed, meant', [
    ('~/kitti', '/somewhere/kitti'), ('$DATA/raw', '/data/raw'), ('$DATA', '/data'),
    ('runs/$DATA/~', 'runs/$DATA/~'), ('./~', './~'), ('', ''), ('a b', 'a b')])
def test_home_and_variables_are_expanded_only_at_the_beginning(monkeypatch, typed, meant):
    monkeypatch.setenv('HOME', '/somewhere')
    monkeypatch.setenv('DATA', '/data')
    assert files.expand_typed(typed) == meant


def test_a_write_to_a_full_disk_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / 'result.txt'
    files.write_text(path, 'old')

    def no_space(descriptor):
        raise OSError(28, 'No space left on device')
    monkeypatch.setattr(os, 'fsync', no_space)
    with pytest.raises(UserError, match='cannot write .*result.txt: No space left on device'):
        files.write_text(path, 'new')
    assert path.read_text() == 'old'
    assert os.listdir(tmp_path) == ['result.txt']


def test_text_is_read_without_byte_order_mark_and_with_any_line_ends(tmp_path):
    path = tmp_path / 'train.txt'
    path.write_bytes(b'\xef\xbb\xbffirst\r\n\r\n third \r\n')
    assert files.numbered_lines(str(path)) == [(1, 'first'), (3, 'third')]
    assert files.read_lines(str(path)) == ['first', 'third']
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\r\n')
    assert files.read_json(str(path)) == {'a': 1}


@pytest.mark.parametrize('read, content, message', [
    (files.read_text, None, 'x file .*/in does not exist'),
    (files.read_text, b'\xff\xfe\x00', 'cannot read x file .*/in'),
    (files.read_json, b'{', 'in: is not valid JSON'),
    (files.read_json, b'[' * 100000, 'in: is not valid JSON'),
    (lambda path, what: files.list_folder(path), b'', 'cannot read folder .*/in: Not a directory'),
    (lambda path, what: files.require_file(path, what, 'download it'), None,
     'x file .*/in does not exist; download it'),
    (files.require_folder, b'', 'x file .*/in is not a folder'),
    (lambda path, what: files.require_file(os.path.dirname(path), what), None, 'is not a file'),
    (lambda path, what: files.make_folder(path), b'', 'cannot make folder .*/in'),
    (lambda path, what: files.write_text(path + '/x', ''), None, 'cannot write .*/in/x: No such'),
    (lambda path, what: files.read_text(path + '\0', what), b'', 'NUL')])
def test_a_file_that_cannot_be_read_or_written_is_reported(tmp_path, read, content, message):
    if content is not None:
        (tmp_path / 'in').write_bytes(content)
    with pytest.raises(UserError, match=message):
        read(str(tmp_path / 'in'), 'x file')


@pytest.mark.parametrize('open_file', [
    lambda path: files.atomic_write(path, 'wb'), files.atomic_stream])
def test_an_error_of_another_file_keeps_its_name_and_the_old_file(tmp_path, open_file):
    path = tmp_path / 'result.txt'
    files.write_text(path, 'old')
    with pytest.raises(OSError, match='the source is gone'):
        with open_file(path) as stream:
            stream.write(b'half')
            raise OSError('the source is gone')
    assert path.read_text() == 'old'
    assert os.listdir(tmp_path) == ['result.txt']


def test_a_path_for_tensorflow_has_the_bytes_of_the_disk():
    done = run('-c', 'import os\nfrom vo_common.files import utf8_path\n'
               "print(ascii(utf8_path(os.fsdecode(b'/\\xe4\\xb8\\xad'))))", cwd=ROOT, LC_ALL='C',
               PYTHONUTF8='0', PYTHONCOERCECLOCALE='0')
    assert done.stdout == ascii('/中') + '\n', done.stderr
    assert files.utf8_path('/中') == '/中'
    assert files.utf8_path('/\udce9') == '/\udce9'
