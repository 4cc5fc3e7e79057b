"""What the published GeoNet programs compute, stored in test/golden/geonet."""
import numpy as np

from repository import ROOT
from vo_common.files import read_json

_FOLDER = ROOT / 'test' / 'golden' / 'geonet'


def arrays(name):
    """The arrays in `<name>.npz`, by their names."""
    return np.load(str(_FOLDER / (name + '.npz')))


def scalars(name):
    """The content of `<name>.json`."""
    return read_json(str(_FOLDER / (name + '.json')))
