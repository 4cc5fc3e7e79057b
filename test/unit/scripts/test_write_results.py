"""docs/results.md: what the stored results say, and nothing else."""
import json
import os
import pathlib

import pytest

from common.errors import UserError
from scripts import write_results

DOCS = pathlib.Path(__file__).resolve().parents[3] / 'docs'
ROW = dict(model='GeoNet', sequence='07', trained_on=False, figure='ate_3',
           meaning='3-frame ATE [m]', value=0.0123456, baseline=0.02, steps=100, minutes=2.5,
           frames=900, command='python x.py', machine='A, 2 cores', engine='TensorFlow 9',
           load=1.5)


def write(folder, name, rows):
    (folder / name).write_text(json.dumps({'geonet': rows, 'seconds': 3.0}))


def test_each_figure_stands_beside_its_baseline_under_its_command(tmp_path):
    write(tmp_path, 'real_run.json', [ROW, dict(ROW, trained_on=True, baseline=None)])
    page = write_results.page_of(str(tmp_path))
    assert ('| GeoNet | 100, 2.5 | 900 | 07 | 3-frame ATE [m] | 0.01235 | 0.02 |\n'
            '| GeoNet | 100, 2.5 | 900 | 07 (trained on) | 3-frame ATE [m] | 0.01235 | - |') in page
    assert 'python x.py' in page and 'A, 2 cores; TensorFlow 9' in page and '1.5' in page


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
