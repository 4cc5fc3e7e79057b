"""Malicious archives: entries outside the target, devices, links, bombs."""
import os
import stat
import zipfile

import pytest

import cases
import programs as running
from settings import pick

ESCAPES = ['../out', '../../out', 'dataset/../../out', '/tmp/faults_escaped', 'a/../../../out',
           '..\\out', 'C:\\out', '//out', './../out', 'dataset//../../out', 'link/out']
LITERAL = ['$HOME/z', '$UP/z', '~/z', '~root/z', 'a/$HOME/z', 'a b/$(touch HIT)', '%2e%2e/z',
           'new\nline', '-rf', '中 é/z', '*', 'CON', '.partial']


def archive_of(path, entries):
    """Writes a zip of (name or ZipInfo, bytes) entries."""
    with zipfile.ZipFile(str(path), 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return path


def unpack(programs, archive, target, **options):
    options.setdefault('env', {'UP': '..', 'HOME': str(programs.home)})
    return programs.run(cases.UNPACK, archive, target, **options)


def files_below(folder):
    return sorted(os.path.relpath(os.path.join(top, name), str(folder))
                  for top, _, names in os.walk(str(folder)) for name in names)


@pytest.mark.parametrize('name', ESCAPES)
def test_entry_outside_the_target_is_rejected(name, programs, tmp_path):
    target, elsewhere = tmp_path / 'a' / 'target', tmp_path / 'elsewhere'
    target.mkdir(parents=True)
    elsewhere.mkdir()
    (target / 'link').symlink_to(elsewhere)
    archive = archive_of(tmp_path / 'x.zip', [(name, b'bad')])
    before = files_below(tmp_path)
    ended = unpack(programs, archive, target)
    running.assert_no_trace(ended)
    inside = [path for path in files_below(tmp_path) if path not in before]
    assert all(path.startswith('a/target/') and 'link' not in path for path in inside), inside
    assert not os.path.exists('/tmp/faults_escaped')
    if not inside:
        running.assert_fails_with_one_message(ended, 'x.zip')


@pytest.mark.parametrize('name', LITERAL)
def test_entry_name_is_taken_literally(name, programs, tmp_path):
    target = tmp_path / 'target'
    archive = archive_of(tmp_path / 'x.zip', [(name, b'good')])
    before = files_below(programs.home)
    ended = unpack(programs, archive, target)
    assert ended.status == 0, running.complaint(ended)
    assert files_below(target) == [name]
    assert files_below(programs.home) == before


KINDS = {'link': (stat.S_IFLNK | 0o777, b'/etc/passwd'), 'device': (stat.S_IFCHR | 0o666, b''),
         'pipe': (stat.S_IFIFO | 0o666, b''), 'setuid': (stat.S_IFREG | 0o6777, b'x')}


@pytest.mark.parametrize('kind', pick(list(KINDS), ['link']))
def test_special_entry_becomes_a_plain_file_or_is_rejected(kind, programs, tmp_path):
    mode, data = KINDS[kind]
    entry = zipfile.ZipInfo('entry')
    entry.create_system, entry.external_attr = 3, mode << 16
    ended = unpack(programs, archive_of(tmp_path / 'x.zip', [(entry, data)]), tmp_path / 'target')
    running.assert_no_trace(ended)
    made = tmp_path / 'target' / 'entry'
    if ended.status == 0:
        state = os.lstat(str(made))
        assert stat.S_ISREG(state.st_mode) and not state.st_mode & 0o7111
    else:
        running.assert_fails_with_one_message(ended)
        assert not os.path.lexists(str(made))


def test_zip_bomb_exhausts_neither_memory_nor_disk(programs, tmp_path, disk):
    size = pick(4 << 30, 256 << 20)
    path = tmp_path / 'bomb.zip'
    with zipfile.ZipFile(str(path), 'w', zipfile.ZIP_DEFLATED) as archive:
        with archive.open('zeros', 'w', force_zip64=True) as stream:
            for _ in range(size >> 20):
                stream.write(bytes(1 << 20))
    small = disk(10000)
    ended = unpack(programs, path, small.folder / 'target', memory=4 << 30)
    running.assert_fails_with_one_message(ended)
    assert ended.peak < 2 << 30
    assert not files_below(small.folder)


def test_duplicate_entry_is_rejected_or_gives_the_same_result(programs, tmp_path):
    """With two entries of the same name, the result must be deterministic."""
    with pytest.warns(UserWarning):
        archive = archive_of(tmp_path / 'x.zip', [('a', b'one'), ('a', b'another')])
    ended = unpack(programs, archive, tmp_path / 'target')
    running.assert_no_trace(ended)
    first = cases.contents(tmp_path / 'target')
    ended = unpack(programs, archive, tmp_path / 'target')
    running.assert_no_trace(ended)
    assert cases.contents(tmp_path / 'target') == first
