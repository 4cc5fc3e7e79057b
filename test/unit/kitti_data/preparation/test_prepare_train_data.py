"""Golden numbers: the published loaders on the same frames (golden/geonet/numpy_loaders)."""
import json
import re
import zlib

import numpy as np
import pytest
from PIL import Image

import golden_common
import published
from kitti_data import images
from kitti_data.preparation import format_writer
from kitti_data.preparation.prepare_train_data import main
from kitti_folders import write_sequence
from vo_common.errors import UserError

PUBLISHED = published.scalars('numpy_loaders')['odom_loader']


@pytest.fixture(scope='module')
def published_root(tmp_path_factory):
    """The odometry folder that the golden numbers were made from: 6 and 2 frames, camera 2."""
    root = tmp_path_factory.mktemp('published odometry')
    for sequence, count in (('00', 6), ('01', 2)):
        write_sequence(root, sequence, map(golden_common.make_odom_image, range(count)),
                       calib=golden_common.CALIB_ODOM)
    return root


@pytest.fixture
def small_root(tmp_path):
    """Two sequences of 12 and 9 small gray frames, camera 0."""
    for sequence, count in (('00', 12), ('05', 9)):
        write_sequence(tmp_path / 'kitti', sequence,
                       [np.full((32, 104), 10 * number, np.uint8) for number in range(count)],
                       camera=0, calib='P0: 60 0 52 0 0 61 15 0 0 0 1 0')
    return tmp_path / 'kitti'


@pytest.fixture
def frames_read(monkeypatch):
    """The paths of the frames that are decoded, in order."""
    read, original = [], images.read_resized
    monkeypatch.setattr(images, 'read_resized',
                        lambda path, *size: read.append(path) or original(path, *size))
    return read


def prepare(root, dump_root, *arguments):
    return main(['--dataset_dir=%s' % root, '--dump_root=%s' % dump_root] + list(arguments))


def prepare_small(root, dump_root, *arguments):
    return prepare(root, dump_root, '--camera=0', '--img_height=16', '--img_width=52', *arguments)


def lists(dump_root):
    return [(dump_root / name).read_text().splitlines() for name in ('train.txt', 'val.txt')]


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob('*') if path.is_file()}


def test_odometry_examples_equal_the_published_ones(published_root, tmp_path):
    assert prepare(published_root, tmp_path / 'set') == 0
    train, validation = lists(tmp_path / 'set')
    assert sorted(train + validation) == PUBLISHED['train_plus_val_sorted']
    written = [name for name in PUBLISHED['dumped'] if name != 'False']
    assert sorted(path.name for path in (tmp_path / 'set' / '00').iterdir()) == written
    assert (tmp_path / 'set' / '00' / '000002_cam.txt').read_text() == PUBLISHED['cam_txt']
    strip = Image.open(str(tmp_path / 'set' / '00' / '000002.jpg'))
    assert list(strip.size) == PUBLISHED['jpg_size']


def test_strips_are_frames_resized_as_published_up_to_jpeg(published_root, tmp_path):
    """The published files have quality 75 and a mean error of 9.9 on these noisy frames."""
    paths = sorted((published_root / 'sequences' / '00' / 'image_2').iterdir())
    resized = [images.read_resized(str(path), 128, 416)[0] for path in paths[1:4]]
    checksums = ['%08x' % zlib.crc32(image.tobytes()) for image in resized]
    assert checksums == PUBLISHED['example2']['crc']
    frames, errors = np.concatenate(resized, axis=1), []
    for quality in (75, 95):
        dump_root = tmp_path / str(quality)
        prepare(published_root, dump_root, '--jpeg_quality=%d' % quality)
        strip = images.read_rgb(str(dump_root / '00' / '000002.jpg'))
        errors.append(np.abs(strip.astype(int) - frames).mean())
    assert errors[0] == pytest.approx(PUBLISHED['jpg_abs_error_mean_max'][0], rel=0.05)
    assert errors[1] < 0.75 * errors[0]


def test_gray_frames_become_three_channels(small_root, tmp_path):
    assert prepare_small(small_root, tmp_path / 'set') == 0
    strip = images.read_rgb(str(tmp_path / 'set' / '00' / '000003.jpg'))
    assert strip.shape == (16, 3 * 52, 3)
    for frame in range(3):
        centre = strip[4:12, 52 * frame + 8:52 * frame + 44].astype(int)
        assert np.abs(centre - 10 * (2 + frame)).max() <= 2
    summary = json.loads((tmp_path / 'set' / 'prepared.json').read_text())
    assert summary['complete'] and summary['examples'] == 10 + 7
    assert summary['folders'] == {'00': 10, '05': 7}


@pytest.mark.parametrize('flag', ['--seq_length=5', '--frame_distance=2'])
def test_every_frame_is_decoded_once(small_root, tmp_path, frames_read, flag):
    prepare_small(small_root, tmp_path / 'set', flag)
    assert len(frames_read) == len(set(frames_read)) == 12 + 9


def test_the_number_of_threads_changes_nothing(small_root, tmp_path):
    for threads in (1, 7):
        prepare_small(small_root, tmp_path / str(threads), '--num_threads=%d' % threads)
    assert files(tmp_path / '1') == files(tmp_path / '7')


def test_examples_of_a_calibration_that_changed_are_written_again(small_root, tmp_path):
    prepare_small(small_root, tmp_path / 'set')
    calibration = small_root / 'sequences' / '05' / 'calib.txt'
    lines = calibration.read_text().split('\n')
    calibration.write_text('\n'.join(re.sub(r'^(P\d: )\S+', r'\g<1>99', line) for line in lines))
    before = files(tmp_path / 'set')
    assert prepare_small(small_root, tmp_path / 'set') == 0
    after = files(tmp_path / 'set')
    changed = {name for name in after if after[name] != before[name]}
    assert changed - {'prepared.json'} == {name for name in after
                                           if name.startswith('05') and name.endswith('_cam.txt')}
    assert json.loads(after['prepared.json'].decode())['already_there'] == 10


def test_a_second_run_continues_and_changes_nothing(small_root, tmp_path, frames_read, capsys):
    prepare_small(small_root, tmp_path / 'set')
    del frames_read[:]
    whole = files(tmp_path / 'set')
    for name in ('05/000003.jpg', '05/000004_cam.txt', '05/000004.jpg', 'train.txt', 'val.txt'):
        (tmp_path / 'set' / name).unlink()
    cut = tmp_path / 'set' / '05' / '000007.jpg'
    cut.write_bytes(cut.read_bytes()[:-40])
    (tmp_path / 'set' / '00' / '000010.jpg').write_bytes(b'')
    settings = json.loads((tmp_path / 'set' / 'prepared.json').read_text())['settings']
    assert not {'frame_distance', 'half_pixel_centers'} & set(settings)  # as before these flags
    assert prepare_small(small_root, tmp_path / 'set') == 0
    assert sorted(path[-10:-4] for path in frames_read) == [
        '%06d' % number for number in range(2, 12)]
    assert '13 already existed' in capsys.readouterr().out
    again = files(tmp_path / 'set')
    assert {k: v for k, v in again.items() if k != 'prepared.json'} == {
        k: v for k, v in whole.items() if k != 'prepared.json'}


def test_a_folder_of_other_settings_or_origin_is_refused(small_root, tmp_path):
    prepare_small(small_root, tmp_path / 'set')
    with pytest.raises(UserError, match='img_width was 52 and is now 104; choose another'):
        prepare_small(small_root, tmp_path / 'set', '--img_width=104')
    (tmp_path / 'set' / 'prepared.json').unlink()
    with pytest.raises(UserError, match='not written by this program'):
        prepare_small(small_root, tmp_path / 'set')


def test_broken_and_missing_frames_are_listed_and_the_rest_is_written(small_root, tmp_path, capsys):
    folder = small_root / 'sequences' / '00' / 'image_0'
    broken = folder / '000002.png'
    broken.write_bytes(broken.read_bytes()[:-30])
    (folder / '000003.png').write_bytes(b'')
    (folder / '000007.png').unlink()
    assert prepare_small(small_root, tmp_path / 'set') == 2
    said = capsys.readouterr().err
    for text in ('000002.png', '000003.png: it is empty', 'frames 7 to 7 are missing'):
        assert text in said
    train, validation = lists(tmp_path / 'set')
    assert sorted(line for line in train + validation if line.startswith('00')) == [
        '00 000005', '00 000009', '00 000010']
    broken.write_bytes((folder / '000001.png').read_bytes())
    (folder / '000003.png').write_bytes((folder / '000001.png').read_bytes())
    assert prepare_small(small_root, tmp_path / 'set') == 2   # 7 is still missing
    assert len(sum(lists(tmp_path / 'set'), [])) == 7 + 5 + 2


def test_a_missing_sequence_is_a_problem_and_a_missing_camera_an_error(
        small_root, tmp_path, capsys):
    assert prepare_small(small_root, tmp_path / 'set', '--sequences=5,7') == 2
    assert 'sequences/07 does not exist' in capsys.readouterr().err
    assert len(sum(lists(tmp_path / 'set'), [])) == 7
    with pytest.raises(UserError, match='no example could be made(.|\n)*has image_0'):
        prepare_small(small_root, tmp_path / 'other', '--camera=2')
    # It left nothing that stands in the way of the right camera.
    assert prepare_small(small_root, tmp_path / 'other') == 0


@pytest.mark.parametrize('flags,message', [
    (['--dataset_dir=none'], '--dataset_dir.* does not exist'), (['--dump_root='], '--dump_root'),
    (['--seq_length=4'], '--seq_length=4: must be odd'),
    (['--val_fraction=1'], '--val_fraction=1.0: must be at least 0 and below 1'),
    (['--dataset_name=cityscapes', '--frame_distance=2'],
     '--frame_distance=2: must not be given with --dataset_name=cityscapes .only kitti_odom'),
    (['--dataset_name=kitti_odom', '--remove_static'], '--remove_static=true: must not be given'),
    (['--dataset_name=cityscapes', '--camera=2'], '--camera=2: must not be given'),
    (['--static_speed=7'], '--static_speed=7: must not be given without')])
def test_bad_flags_are_reported(small_root, tmp_path, flags, message):
    with pytest.raises(UserError, match=message):
        prepare(small_root, tmp_path / 'set', *flags)


def test_the_validation_split_is_a_tenth_and_stable_when_data_are_added():
    keys = [('%02d' % sequence, '%06d' % number) for sequence in range(5) for number in range(200)]
    validation = format_writer.split(keys, 0.1, 8964)
    assert len(validation) == 100
    assert validation == format_writer.split(keys[::-1], 0.1, 8964)
    assert validation != format_writer.split(keys, 0.1, 1)
    fewer = format_writer.split(keys[:800], 0.1, 8964)
    assert len(fewer & validation) >= 0.7 * len(fewer)
    assert format_writer.split(keys, 0, 8964) == set()
    # The same on every machine.
    assert sorted(format_writer.split(keys[:20], 0.1, 8964)) == [('00', '000002'), ('00', '000007')]


def test_examples_of_each_frame_distance_have_their_own_folder(small_root, tmp_path):
    assert prepare_small(small_root, tmp_path / 'set', '--sequences=0', '--frame_distance=1,2',
                         '--jpeg_quality=100', '--val_fraction=0') == 0
    counts = {folder: len(list((tmp_path / 'set' / folder).glob('*.jpg')))
              for folder in ('00', '00_every2')}
    assert counts == {'00': 10, '00_every2': 8}
    strip = np.asarray(Image.open(str(tmp_path / 'set' / '00_every2' / '000004.jpg')))
    np.testing.assert_allclose(strip[8, 26::52, 0], [20, 40, 60], atol=1)
