"""scripts/unpack_archive.py reports bad archives; test/faults has the hostile ones."""
import io
import struct
import zipfile

import pytest

from scripts.unpack_archive import unpack
from vo_common.errors import UserError


def archive_of(path, **entries):
    with zipfile.ZipFile(str(path), 'w', zipfile.ZIP_DEFLATED) as stream:
        for name, content in entries.items():
            stream.writestr(name, content)
    return str(path)


def files_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob('*') if path.is_file())


def test_a_link_of_the_same_name_is_replaced_and_not_written_through(tmp_path):
    target = tmp_path / 'target'
    target.mkdir()
    (tmp_path / 'mine.txt').write_text('kept')
    (target / 'a.txt').symlink_to(tmp_path / 'mine.txt')
    assert unpack(archive_of(tmp_path / 'a.zip', **{'a.txt': 'news'}), str(target)) == (1, 0)
    assert (tmp_path / 'mine.txt').read_text() == 'kept'
    assert (target / 'a.txt').read_text() == 'news' and not (target / 'a.txt').is_symlink()


def patched(path, signature, offset, value, width='<H'):
    """Overwrites a field of all records of a kind, such as b'PK\\1\\2', the central directory's."""
    content = bytearray(path.read_bytes())
    place = content.find(signature)
    while place >= 0:
        struct.pack_into(width, content, place + offset, value)
        place = content.find(signature, place + 4)
    path.write_bytes(bytes(content))


@pytest.mark.parametrize('damage, message', [
    (lambda path: [patched(path, b'PK\1\2', 8, 1), patched(path, b'PK\3\4', 6, 1)],
     "'a.txt' is encrypted"),
    (lambda path: [patched(path, b'PK\1\2', 10, 77), patched(path, b'PK\3\4', 8, 77)], 'damaged'),
    (lambda path: patched(path, b'PK\1\2', 42, 2 ** 31, '<I'), 'damaged'),
    (lambda path: patched(path, b'PK\5\6', 16, 2 ** 31, '<I'), 'damaged'),
    (lambda path: patched(path, b'PK\1\2', 16, 5, '<I'), 'damaged'),
    (lambda path: path.write_bytes(b'PK'), 'damaged'),
    (lambda path: path.write_bytes(b''), 'damaged')])
def test_a_bad_archive_is_reported_with_its_path(tmp_path, damage, message):
    archive_of(tmp_path / 'a.zip', **{'a.txt': 'content ' * 50})
    damage(tmp_path / 'a.zip')
    (tmp_path / 'target').mkdir()
    with pytest.raises(UserError, match='a.zip.*' + message):
        unpack(str(tmp_path / 'a.zip'), str(tmp_path / 'target'))
    assert not files_below(tmp_path / 'target')


@pytest.mark.parametrize('name, message', [('x' * 300, 'cannot write .*File name too long'),
                                           ('a/' * 3000 + 'z', 'cannot make folder')],
                         ids=['long', 'deep'])
def test_names_that_no_file_can_have_are_reported(tmp_path, name, message):
    (tmp_path / 'target').mkdir()
    with pytest.raises(UserError, match=message):
        unpack(archive_of(tmp_path / 'a.zip', **{name: 'x'}), str(tmp_path / 'target'))


def test_an_archive_without_matching_files_is_reported(tmp_path):
    archive = archive_of(tmp_path / 'a.zip', **{'image_0/a.png': 'x'})
    with pytest.raises(UserError, match='a.zip: found no file like image_2/'):
        unpack(archive, str(tmp_path), members=('image_2/*',))


def test_an_archive_that_cannot_be_read_is_reported(tmp_path, monkeypatch):
    def refuse(path, *_, **__):
        raise PermissionError(13, 'Permission denied', path)
    archive_of(tmp_path / 'a.zip', a='x')
    monkeypatch.setattr(io, 'open', refuse)
    with pytest.raises(UserError, match='a.zip.*Permission denied'):
        unpack(str(tmp_path / 'a.zip'), str(tmp_path))
