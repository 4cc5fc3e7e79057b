"""The files of a checkpoint on the disk, and how a name passes whole from one to the next.

TensorFlow gives a checkpoint's files their names one after the other, `.data-*` and then `.index`.
Without an index there is no checkpoint, so a new name appears whole; written over an earlier
checkpoint, a kill between the two leaves the index of one with the data of the other. Therefore a
name that is in use is written as `NAME.new` and then published: at every instant `NAME`,
`NAME.new` or both are whole, and `checkpoints` reads the one that is.

Nothing here imports TensorFlow.
"""
import contextlib
import os
import re
import shutil

NEW, _TWIN = '.new', '.tempstate0'
# What TensorFlow writes while it saves a checkpoint, before the files get their names.
_PARTIAL = re.compile(r'model[^/]*(_temp_[0-9a-f]+|\.tempstate[0-9]+)|checkpoint\.tmp[0-9a-f]*')
_NEW_DATA = re.compile(r'(model[^/]*%s)\.data-.*' % re.escape(NEW))


def name_to_write(prefix):
    """Where to save a checkpoint that is to be called `prefix`; `publish` it if it is another."""
    return prefix + NEW if os.path.exists(prefix + '.index') else prefix


def publish(prefix):
    """Gives the checkpoint `prefix` + '.new', which must be whole, the name `prefix`.

    Raises:
      OSError: as the system has it; both checkpoints are then as whole as after a kill.
    """
    new = prefix + NEW
    data = data_files(new)
    for path in data + [new + '.index']:
        with open(path, 'rb') as stream:
            os.fsync(stream.fileno())
    for path in data:
        # The new checkpoint keeps its own data until the index has the name.
        twin = path + _TWIN
        _remove(twin)
        try:
            os.link(path, twin)
        except OSError:  # a file system without links
            shutil.copyfile(path, twin)
        os.replace(twin, prefix + path[len(new):])
    os.replace(new + '.index', prefix + '.index')
    for path in data:
        # A rename of one link over another does nothing: after a kill the twin may still be there.
        _remove(path + _TWIN)
        _remove(path)


def remove(prefix):
    """Removes a checkpoint, where it is there: its index first, so that no half of it is found."""
    for path in [prefix + '.index'] + data_files(prefix):
        _remove(path)


def _remove(path):
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)


def remove_leftovers(folder):
    """Removes the half of a checkpoint that a killed run or a failed save has left in `folder`."""
    for name in os.listdir(folder):
        path, new = os.path.join(folder, name), _NEW_DATA.fullmatch(name)
        orphaned = new and not os.path.exists(os.path.join(folder, new.group(1) + '.index'))
        if not orphaned and not _PARTIAL.fullmatch(name):
            continue
        if os.path.isdir(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.remove(path)


def data_files(prefix):
    """The paths of a checkpoint's data files."""
    folder, name = os.path.split(prefix)
    return [os.path.join(folder, other) for other in sorted(os.listdir(folder))
            if re.fullmatch(re.escape(name) + r'\.data-\d+-of-\d+', other)]
