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


@pytest.mark.parametrize('engine, operator', [('reference', '=='), ('newest', '>=')])
def test_the_list_of_an_engine_is_its_extra_and_bounds_all_that_is_imported(
        package, engine, operator):
    constraints = listed(engine)
    assert set(package['extras_require'][engine]) == {
        name + constraint for name, constraint in constraints.items()}
    assert {constraint[:2] for constraint in constraints.values()} == {operator}
    assert set(package['install_requires']) < set(constraints)
    assert {'tensorflow', 'scipy', 'pytest', 'pytest-xdist'} < set(constraints)
    # Another OpenCV, and helpers of another TensorFlow.
    assert not {'opencv-python', 'opencv-contrib-python', 'tf-slim', 'tf-keras'} & set(constraints)


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
