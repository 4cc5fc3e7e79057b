"""Random changes of every input format cause no traceback, hang, memory use or stray file."""
import concurrent.futures
import os
import shutil

import pytest

import programs as running
from formats import FORMATS
from settings import pick, randomness

COUNT = pick(300, 2)  # mutations per format; a third if each starts a TensorFlow session
NAMES = pick(list(FORMATS), ['png', 'poses', 'flow png', 'config', 'rank table', 'archive',
                             'formatted camera', 'checkpoint index'])
AT_ONCE = pick(2, 1)
SLOW_SHARE = 20  # one in so many mutations is read by a slow reader
LONGEST = 10  # seconds, in addition to the time for the unchanged file
MOST_MEMORY = 2 << 30


def listing(folder):
    """{path: (size, modification time)} of the files below `folder`, also of linked ones."""
    return {path: (state.st_size, state.st_mtime_ns)
            for top, _, files in os.walk(str(folder), followlinks=True) for path in
            [os.path.join(top, name) for name in files] for state in [os.stat(path)]}


class Reader:
    """Repeatedly mutates and reads one file in a copy of the data of a format."""

    def __init__(self, name, programs, world, folder):
        self._format = FORMATS[name]
        self._programs = programs
        self._world = world.copied_to(folder / 'data', self._format.part)
        if self._format.prepare:
            self._format.prepare(self._world)
        self._file = sorted(self._world.folder.glob(self._format.pattern))[0]
        self.whole = self._file.read_bytes()
        self._out = folder / 'out'
        self._seconds = {}
        self._readers = self._format.readers if COUNT > SLOW_SHARE else self._format.readers[:1]
        for reader in self._readers:
            ended = self._read(reader, self.whole)
            assert ended.status == 0, running.complaint(ended)
            self._seconds[reader] = ended.seconds

    def _read(self, reader, data, timeout=60):
        self._file.write_bytes(data)
        shutil.rmtree(str(self._out), ignore_errors=True)
        command = reader(self._world, self._out)
        self._before = listing(self._world.folder), listing(self._programs.home)
        return self._programs.run(*command, timeout=timeout,
                                  memory=2 * MOST_MEMORY)

    def complaint(self, number, data):
        """Describes what goes wrong when mutation `number` is read; '' if nothing does."""
        slow = len(self._readers) > 1 and number % SLOW_SHARE == 0
        reader = self._readers[1 + number // SLOW_SHARE % (len(self._readers) - 1) if slow else 0]
        try:
            ended = self._read(reader, data, self._seconds[reader] + LONGEST)
            running.assert_no_trace(ended)
        except AssertionError as error:
            return str(error)
        if ended.status not in (0, running.USER_ERROR):
            return running.complaint(ended)
        if ended.status == running.USER_ERROR and not ended.err.strip():
            return 'no error message'
        if ended.peak > MOST_MEMORY:
            return '%.1f GB of memory' % (ended.peak / 2 ** 30)
        if (listing(self._world.folder), listing(self._programs.home)) != self._before:
            return 'a file outside the output folder was changed'
        return ''


@pytest.mark.parametrize('name', NAMES)
def test_mutated_file_is_read_or_rejected(name, programs, world, tmp_path):
    """Keeps each failing mutation in the folder of the test, for inspection."""
    count = COUNT // 3 if pick(FORMATS[name].starts_tensorflow, False) else COUNT
    complaints = []

    def read_some(copy):
        reader = Reader(name, programs, world, tmp_path / str(copy))
        for number in range(copy, count, AT_ONCE):
            data = FORMATS[name].mutate(randomness('%s %d' % (name, number)), reader.whole)
            complaint = reader.complaint(number, data)
            if complaint:
                kept = tmp_path / ('mutation %d' % number)
                kept.write_bytes(data)
                complaints.append('%s: %s' % (kept, complaint))

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(read_some, range(AT_ONCE)))
    assert not complaints, '%d of %d mutations\n%s' % (
        len(complaints), count, '\n'.join(complaints[:8]))
