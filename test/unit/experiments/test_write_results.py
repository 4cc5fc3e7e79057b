"""docs/results.md: what the stored results say, and nothing else."""
import json
import os

import pytest

from experiments import write_results
from repository import ROOT
from vo_common.errors import UserError

DOCS = ROOT / 'docs'
ROW = dict(model='GeoNet', sequence='07', trained_on=False, figure='ate_3',
           meaning='3-frame ATE [m]', value=0.0123456, baseline=0.02, steps=100, minutes=2.5,
           frames=900, command='python x.py', machine='A, 2 cores', engine='TensorFlow 9',
           load=1.5, split='test')


def write(folder, name, rows):
    (folder / name).write_text(json.dumps({'geonet': rows, 'seconds': 3.0}))


def cells(page):
    """The rows of a page's tables: list of the texts of their cells."""
    return [[cell.strip() for cell in line.strip('|').split('|')]
            for line in page.split('\n') if line.startswith('| ')]


def test_a_model_and_sequence_have_one_row_with_each_figure_beside_its_baseline(tmp_path):
    other = dict(ROW, figure='rpe_rot', meaning='RPE [deg]', value=0.5, baseline=1)
    write(tmp_path, 'real_run.json', [ROW, other, dict(ROW, sequence='00', trained_on=True,
                                                       baseline=None)])
    page = write_results.page_of(str(tmp_path))
    assert cells(page) == [
        ['run', 'sequence', 'steps, minutes', 'training frames', '3-frame ATE [m]', 'RPE [deg]'],
        ['run', '07', '100, 2.5', '900', '0.01235 / 0.02', '0.5 / 1'],
        ['run', '00 (trained on)', '100, 2.5', '900', '0.01235 / -', '']]
    assert 'python x.py' in page and 'A, 2 cores; TensorFlow 9' in page and '1.5' in page


def test_the_best_variant_comes_first_and_validation_is_marked(tmp_path):
    better = dict(ROW, model='GeoNet, --b', value=0.01, split='validation')
    write(tmp_path, 'real_run.json', [dict(ROW, trained_on=True, value=1e-6), ROW, better])
    rows = cells(write_results.page_of(str(tmp_path)))[1:]
    assert [row[:2] for row in rows] == [
        ['run, --b', '07 (validation)'], ['run', '07'], ['run', '07 (trained on)']]


def test_real_and_rendered_frames_stand_apart(tmp_path):
    for kind in ('synthetic', 'real'):
        write(tmp_path, kind + '_run.json', [ROW])
    page = write_results.page_of(str(tmp_path))
    assert page.index('## KITTI') < page.index('## Rendered drives')


def test_without_results_there_is_no_page(tmp_path):
    with pytest.raises(UserError, match='real_NAME.json'):
        write_results.page_of(str(tmp_path))


def test_the_page_is_what_the_stored_results_say():
    if not os.path.isdir(str(DOCS / 'results')):
        pytest.skip('no results are stored')
    assert (DOCS / 'results.md').read_text() == write_results.page_of(str(DOCS / 'results'))


@pytest.mark.parametrize('content', ['[]', '{"geonet": [{"model": "GeoNet"}]}', '{"geonet": [3]}'])
def test_files_without_whole_rows_are_refused(tmp_path, content):
    (tmp_path / 'real_run.json').write_text(content)
    with pytest.raises(UserError, match='real_run.json: must hold rows of results with baseline'):
        write_results.page_of(str(tmp_path))
