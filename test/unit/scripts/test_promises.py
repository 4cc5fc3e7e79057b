"""docs/promises.md names only existing tests, and every test of faults."""
import re

from repository import ROOT


def names_of_tests(folder):
    """{'test_x.py::test_y'} of the files below a folder."""
    return {'%s::%s' % (path.name, name) for path in folder.rglob('test_*.py')
            for name in re.findall(r'^def (test_\w+)\(', path.read_text(), re.MULTILINE)}


def test_promises_name_existing_tests_and_every_test_of_faults():
    page = (ROOT / 'docs' / 'promises.md').read_text()
    named = set(re.findall(r'`(test_\w+\.py::test_\w+)`', page))
    assert names_of_tests(ROOT / 'test' / 'faults') <= named <= names_of_tests(ROOT / 'test')
    rows = [line for line in page.split('\n') if line.startswith('| ')][1:]
    assert rows and all('::test_' in row for row in rows)
