"""setup.py, the requirements files and scripts/setup_env.sh are consistent."""
import re
import runpy

import pytest
import setuptools

from repository import ROOT

LISTS = {'reference': 'requirements.txt', 'newest': 'requirements-newest.txt'}


def listed(engine):
    """{package: its constraint} of an engine's list."""
    lines = (ROOT / LISTS[engine]).read_text(encoding='utf-8').splitlines()
    pairs = [re.match(r'([\w-]+)(.*)', line).groups() for line in lines if line[:1] != '#']
    return dict(pairs)


@pytest.fixture
def package(monkeypatch):
    """dict of what setup.py gives to setuptools, run in another folder."""
    given = {}
    monkeypatch.setattr(setuptools, 'setup', lambda **keywords: given.update(keywords))
    runpy.run_path(str(ROOT / 'setup.py'))
    return given


@pytest.mark.parametrize('engine', sorted(LISTS))
def test_the_extra_of_an_engine_is_its_list(package, engine):
    expected = {name + constraint for name, constraint in listed(engine).items()}
    assert set(package['extras_require'][engine]) == expected


@pytest.mark.parametrize('engine', sorted(LISTS))
def test_both_lists_have_what_the_packages_and_the_tests_import(package, engine):
    names = set(listed(engine))
    assert set(package['install_requires']) < names
    assert {'tensorflow', 'scipy', 'pytest', 'pytest-xdist'} < names


def test_neither_list_has_another_opencv_or_helpers_of_another_tensorflow():
    for engine in LISTS:
        names = set(listed(engine))
        assert not names & {'opencv-python', 'opencv-contrib-python', 'tf-slim', 'tf-keras'}


def test_the_reference_is_pinned_and_the_newest_bounded_from_below():
    assert {constraint[:2] for constraint in listed('reference').values()} == {'=='}
    assert {constraint[:2] for constraint in listed('newest').values()} == {'>='}


def test_the_gpu_extra_fits_both_engines(package):
    assert package['python_requires'] == '>=3.7'
    reference, newest = package['extras_require']['gpu']
    assert reference.startswith('tensorflow' + listed('reference')['tensorflow'] + ';')
    assert newest.startswith('tensorflow[and-cuda]>=')


def test_the_lists_allow_the_first_tensorflow_in_the_table_of_engines():
    table = re.search(r"<<'TABLE'\n(.*?)\nTABLE", (ROOT / 'scripts/setup_env.sh').read_text(),
                      re.DOTALL).group(1)
    rows = [line.split() for line in table.splitlines()]
    first = min((row[2] for row in rows if row[1] == 'newest'),
                key=lambda version: [int(part) for part in version.split('.')])
    assert listed('newest')['tensorflow'] == '>=' + first
    assert [row[0] for row in rows if row[1] == 'reference'] == ['3.7']
