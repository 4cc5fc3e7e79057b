"""The folder of a training run, with its lock and its config.json.

Does not import TensorFlow: programs read the configuration saved with a checkpoint while they parse
their flags.
"""
import contextlib
import dataclasses
import fcntl
import json
import os
import socket
import typing

from vo_common.console import warn
from vo_common.errors import UserError
from vo_common.files import make_folder, read_json, reason, utf8_path, write_json, writing
from vo_common.flags import check_value, default_of

CONFIG_FILE = 'config.json'
_KINDS = {bool: 'bool', int: 'int', float: 'float', str: 'str',
          typing.List[float]: 'list of floats'}
_LOCK_FILE = '.lock'


class RunFolder:
    """The folder of a training run; a `with` block creates and locks it.

    The operating system releases the lock when the process ends, for whatever reason.

    Args:
      path: path of the folder.

    Raises:
      UserError: the folder cannot be made or written, or another process trains in it.
    """

    def __init__(self, path):
        self.path = os.path.abspath(path)
        self._lock = None

    def __enter__(self):
        _require_encodable(self.path)
        make_folder(self.path)
        self._lock = self._take_lock()
        return self

    def __exit__(self, *exception):
        self._lock.close()

    def _take_lock(self):
        path = os.path.join(self.path, _LOCK_FILE)
        with writing(path):
            lock = open(path, 'a+', encoding='utf-8', errors='replace')
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read(200).strip() or 'an unknown process'
            lock.close()
            raise UserError('%s: is in use by another training run (%s), must be a separate folder '
                            '(wait for that run, end it, or name another folder)'
                            % (self.path, owner)) from None
        except OSError as error:
            warn('%s: cannot be locked (%s): make sure that no other training run uses it' % (
                self.path, reason(error)))
        with contextlib.suppress(OSError):  # a full disk: the owner stays unknown
            lock.truncate(0)
            lock.write('process %d on %s\n' % (os.getpid(), socket.gethostname()))
            lock.flush()
        return lock

    def require_there(self):
        """Raises a UserError if the folder was removed or replaced during the run."""
        try:
            mine, there = os.fstat(self._lock.fileno()), os.stat(
                os.path.join(self.path, _LOCK_FILE))
            is_there = (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)
        except OSError:
            is_there = False
        if not is_there:
            raise UserError('%s: was removed or replaced during training, must stay (give the '
                            'same command to start over)' % self.path)

    def write_config(self, configs):
        """Writes config.json: dict, name -> dataclass instance or plain value."""
        write_json(os.path.join(self.path, CONFIG_FILE), _plain(configs))


def _require_encodable(path):
    """Raises a UserError unless TensorFlow's saver and Python encode the path alike."""
    try:
        os.fsencode(utf8_path(path))
    except UnicodeEncodeError as error:
        raise UserError('%s: has characters that this locale cannot encode, must be another folder '
                        '(or set LC_ALL=C.UTF-8)' % path) from error


def changes_since(folder, configs):
    """Compares the saved configuration of a run with that of the resumed run.

    A flag that the saved configuration lacks is newer than the run, and counts as its default. A
    saved flag that no longer exists is ignored.

    Args:
      folder: path of the run.
      configs: dict, name -> dataclass instance or plain value.

    Returns:
      dict, 'name.flag' -> [saved value, value now].

    Raises:
      UserError: an `architecture` flag differs, or config.json is not a configuration.
    """
    path = os.path.join(folder, CONFIG_FILE)
    if not os.path.exists(path):
        warn('%s does not exist: cannot check that the flags are those of the run' % path)
        return {}
    changed, fatal = {}, []
    for name, config in configs.items():
        if not dataclasses.is_dataclass(config):
            continue
        saved, values = read_section(folder, name), _plain(config)
        for field in dataclasses.fields(config):
            there, now = saved.get(field.name, _plain(default_of(field))), values[field.name]
            if there != now:
                changed['%s.%s' % (name, field.name)] = [there, now]
                if field.metadata.get('architecture'):
                    fatal.append('%s: was %s, is %s' % (
                        field.name, json.dumps(there), json.dumps(now)))
    if fatal:
        raise UserError('the checkpoints in %s belong to another model (%s); give the flags of '
                        'that run, or another output folder' % (folder, '; '.join(fatal)))
    return changed


def flat_flags(configs):
    """The flags of the dataclass instances among `configs`: dict, 'name.flag' -> JSON value."""
    return {'%s.%s' % (name, flag): value for name, config in configs.items()
            if dataclasses.is_dataclass(config) for flag, value in _plain(config).items()}


def read_saved(checkpoint):
    """Reads the config.json of a checkpoint, a prefix or folder: dict, name -> section.

    Empty if there is none (a published checkpoint). Raises a UserError if the file is not a
    configuration.
    """
    path = _config_path(checkpoint)
    saved = read_json(path, 'configuration') if os.path.isfile(path) else {}
    if not isinstance(saved, dict):
        raise UserError('%s: found %s, must be the configuration of a run, a JSON object'
                        % (path, json.dumps(saved)[:80]))
    return saved


def read_section(checkpoint, name):
    """Reads the section `name` of the config.json of a checkpoint: dict, flag -> value."""
    section = read_saved(checkpoint).get(name, {})
    if not isinstance(section, dict):
        raise UserError('%s: found %s for "%s", must be a JSON object of flags'
                        % (_config_path(checkpoint), json.dumps(section)[:80], name))
    return section


def model_flags(checkpoint, config_class):
    """Reads the model flags saved with a checkpoint, which replace the defaults.

    Args:
      checkpoint: prefix or folder; may be empty.
      config_class: dataclass of the model's flags; other saved flags are ignored.

    Returns:
      dict, flag -> value.

    Raises:
      UserError: config.json is not a configuration, or holds an illegal value.
    """
    if not checkpoint:
        return {}
    path = _config_path(checkpoint)
    there = os.path.isdir(checkpoint) or os.path.exists(checkpoint + '.index')
    if not os.path.isfile(path) and there:
        warn('%s does not exist: the flags and their defaults define the model' % path)
    section = read_section(checkpoint, 'model')
    kinds = typing.get_type_hints(config_class)
    fields = [field for field in dataclasses.fields(config_class) if field.name in section]
    for field in fields:
        where, value = '%s: model.%s' % (path, field.name), section[field.name]
        if not _is_of(kinds[field.name], value):
            raise UserError('%s=%s: must be of type %s' % (
                where, json.dumps(value)[:80], _KINDS[kinds[field.name]]))
        check_value(field, value, where)
    return {field.name: section[field.name] for field in fields}


def _config_path(checkpoint):
    folder = os.path.abspath(checkpoint)
    if not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return os.path.join(folder, CONFIG_FILE)


def _is_of(kind, value):
    if kind == typing.List[float]:  # not `is`: typing may create another object
        return isinstance(value, list) and all(_is_of(float, item) for item in value)
    # JSON's true is a bool alone, though Python's bool is an int.
    return type(value) in ((int, float) if kind is float else (kind,))


def _plain(value):
    """The value after a round trip through JSON, dataclasses as dicts."""
    return json.loads(json.dumps(value, default=dataclasses.asdict))
