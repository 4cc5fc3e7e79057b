"""The experiment renders what differs and stores a row for each camera."""
import pytest

from experiments import other_cameras
from geonet_program import few_weights
from vo_common.errors import UserError
from vo_common.files import read_json


def test_every_camera_is_predicted_and_refined(rigid_run, tmp_path, monkeypatch):
    monkeypatch.setattr(other_cameras, 'CAMERAS', {
        name: other_cameras.CAMERAS[name] for name in ('focal length 1.4 times',
                                                       'camera 0.5 m lower')})
    with few_weights():
        other_cameras.main(['--run=' + rigid_run, '--output_dir=%s' % tmp_path, '--num_frames=20'])
    rows = read_json(str(tmp_path / 'results.json'))['geonet']
    found = {(row['sequence'], row['model']): row for row in rows if row['figure'] == 'ate_3'}
    assert set(found) == {(name, 'GeoNet, ' + variant) for name in other_cameras.CAMERAS
                          for variant in ('predicted', 'refined')}
    assert all(row['value'] > 0 and row['baseline'] > 0 for row in found.values())
    cameras = [float((tmp_path / ('camera_%d' % number) / 'sequences/09/calib.txt')
                     .read_text().split()[1]) for number in (0, 1)]
    assert cameras[0] == pytest.approx(1.4 * cameras[1])


def test_a_missing_run_is_named_before_anything_is_rendered(tmp_path):
    with pytest.raises(UserError, match='no checkpoint'):
        other_cameras.main(['--run=%s/none' % tmp_path, '--output_dir=%s/out' % tmp_path])
    assert not (tmp_path / 'out').exists()
