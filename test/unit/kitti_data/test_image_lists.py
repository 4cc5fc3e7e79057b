"""Lists of test images in the field's forms; faults are reported before the first image."""
import time

import numpy as np
import pytest

from kitti_data import frame_source
from kitti_data.image_lists import read_image_list
from kitti_data.images import write_png
from vo_common.errors import UserError

DRIVE = '2011_09_26/2011_09_26_drive_0002_sync'


@pytest.fixture
def root(tmp_path):
    """A raw drive with frame 69 of both colour cameras, and a picture in a folder with a space."""
    for path in (DRIVE + '/image_02/data/0000000069.png', DRIVE + '/image_03/data/0000000069.jpg',
                 'my pictures/a b.PNG'):
        (tmp_path / 'raw' / path).parent.mkdir(parents=True, exist_ok=True)
        write_png(str(tmp_path / 'raw' / path), np.zeros((4, 6, 3), np.uint8))
    return tmp_path / 'raw'


@pytest.mark.parametrize('line, name', [
    ('my pictures/a b.PNG', 'my pictures/a b.PNG'),
    ('my pictures/a b.PNG my pictures/other.png', 'my pictures/a b.PNG'),
    (DRIVE + '/image_02/data/0000000069.png l', DRIVE + '/image_02/data/0000000069.png'),
    (DRIVE + ' 69 l', DRIVE + '/image_02/data/0000000069.png'),
    (DRIVE + '/image_03/data/0000000069.png', DRIVE + '/image_03/data/0000000069.jpg'),
    ('my pictures/a b.jpeg', 'my pictures/a b.PNG'),
    (DRIVE[11:] + '\t0000000069 r', DRIVE + '/image_03/data/0000000069.jpg')])
def test_every_form_of_a_line_gives_its_image(root, tmp_path, line, name):
    (tmp_path / 'list.txt').write_bytes(('\ufeff\r\n%s\r\n\r\n' % line).encode('utf-8'))
    listed, = read_image_list(str(tmp_path / 'list.txt'), str(root))
    assert listed == (name, 2)


def test_missing_and_invalid_images_are_reported_before_the_first_is_read(root, tmp_path):
    (tmp_path / 'list.txt').write_text('%s 69 l\n\n%s 70 l\n%s 71 r\n' % (DRIVE, DRIVE, DRIVE))
    with pytest.raises(UserError, match=r'list.txt: 2 of its 3 images do not exist: .*70.png '
                                        r'\(line 3\), .*0000000071.png \(line 4\)'):
        frame_source.depth_frames(str(root), 'eigen', str(tmp_path / 'list.txt'))
    (root / 'broken.png').write_bytes(b'not a picture')
    (tmp_path / 'list.txt').write_text('%s 69 l\nbroken.png\n' % DRIVE)
    with pytest.raises(UserError, match='broken.png: it is not a PNG or JPEG'):
        frame_source.depth_frames(str(root), 'eigen', str(tmp_path / 'list.txt'))


@pytest.mark.parametrize('line, message', [
    ('some words', "line 2: found 'some words', must be the path of an image"),
    (DRIVE + ' ' + '9' * 3000000 + ' l', 'line 2: found'),
    ('a\0b.png', 'line 2: holds a NUL byte')])
def test_malformed_lines_are_reported_quickly(root, tmp_path, line, message):
    (tmp_path / 'list.txt').write_text('%s 69 l\n%s\n' % (DRIVE, line))
    start = time.time()
    with pytest.raises(UserError, match=message):
        read_image_list(str(tmp_path / 'list.txt'), str(root))
    assert time.time() - start < 5


def test_names_like_variables_are_taken_literally(root, tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', '/elsewhere')
    (root / '$HOME').mkdir()
    write_png(str(root / '$HOME' / '~.png'), np.zeros((4, 6, 3), np.uint8))
    (tmp_path / 'list.txt').write_text('$HOME/~.png\n')
    source = frame_source.depth_frames(str(root), 'eigen', str(tmp_path / 'list.txt'))
    assert len(list(source.read(4, 6))) == 1
