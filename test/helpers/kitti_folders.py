"""Small folders in KITTI's layouts."""
from kitti_data.images import write_png


def write_sequence(root, name, frames, camera=2, calib='', times=(), poses=()):
    """Writes one sequence of the odometry layout.

    Args:
      root: <pathlib.Path> that gets `sequences/` and `poses/`.
      name: of the sequence.
      frames: images <uint8>[H, W] or [H, W, 3] of frame 0, 1, ...
      camera: 0..3.
      calib: text of `calib.txt`.
      times, poses: lines of `times.txt` and of the pose file.

    Returns:
      <pathlib.Path> the folder of the images.
    """
    folder = root / 'sequences' / name / ('image_%d' % camera)
    folder.mkdir(parents=True)
    (root / 'poses').mkdir(exist_ok=True)
    for number, image in enumerate(frames):
        write_png(str(folder / ('%06d.png' % number)), image)
    for path, lines in ((folder.parent / 'calib.txt', calib and [calib]),
                        (folder.parent / 'times.txt', times),
                        (root / 'poses' / (name + '.txt'), poses)):
        if len(lines):
            path.write_text('\n'.join(lines) + '\n')
    return folder


def write_drive(root, drive, frames, cameras=(2, 3), first=0, velocities=(), scans=(), **texts):
    """Writes one drive of the raw layout.

    Args:
      root: <pathlib.Path> that gets the date.
      drive: its name.
      frames: images <uint8>[H, W, 3] of frame `first` and those that follow, for each camera.
      velocities: forward, leftward, upward speed in m/s at these frames.
      scans: <float>[N, 4] at these frames; None: no such file.
      **texts: content of files of the date, such as `calib_cam_to_cam`.

    Returns:
      <pathlib.Path> the folder of the drive.
    """
    date = root / drive[:10]

    def path(sensor, number, ending):
        folder = date / drive / sensor / 'data'
        folder.mkdir(parents=True, exist_ok=True)
        return folder / ('%010d.%s' % (number, ending))

    for number, image in enumerate(frames, first):
        for camera in cameras:
            write_png(str(path('image_%02d' % camera, number, 'png')), image)
    for number, velocity in enumerate(velocities, first):
        row = ['0'] * 8 + [str(value) for value in velocity] + ['0'] * 19
        path('oxts', number, 'txt').write_text(' '.join(row))
    for number, scan in enumerate(scans, first):
        if scan is not None:
            scan.astype('<f4').tofile(str(path('velodyne_points', number, 'bin')))
    for name, text in texts.items():
        (date / (name + '.txt')).write_text(text)
    return date / drive
