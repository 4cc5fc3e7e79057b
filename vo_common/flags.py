"""Command-line flags declared as dataclasses.

A program's configuration is one or more dataclasses; each field is a flag of the same name:

    @dataclasses.dataclass
    class Config(Flags):
        batch_size: int = flag(4, 'examples a step', at_least=1)

    config, = parse_flags('Trains a model.', Config)

A value is checked against its declaration whenever a `Flags` is made, by a command line or not.
"""
import argparse
import dataclasses
import math
import typing

from vo_common.errors import UserError
from vo_common.files import expand_typed

_TRUE = ('true', 't', 'yes', 'y', '1')
_FALSE = ('false', 'f', 'no', 'n', '0')
_NOT_GIVEN = object()
BOOL_OR_TEXT = typing.Union[bool, str]  # of a flag with choices False, True and texts
_ITEM_TYPES = {typing.List[int]: int, typing.List[float]: float, typing.List[str]: str}


# Keyword of `flag` -> (whether a value keeps it, how an error says it).
_BOUNDS = {'at_least': (lambda value, bound: value >= bound, 'at least %s'),
           'above': (lambda value, bound: value > bound, 'above %s'),
           'at_most': (lambda value, bound: value <= bound, 'at most %s'),
           'below': (lambda value, bound: value < bound, 'below %s')}


# pylint: disable-next=redefined-builtin
def flag(default, help, choices=None, aliases=(), modes=(), **bounds):
    """A dataclass field that `parse_flags` turns into a flag.

    Args:
      default: the value without the flag. A list is copied for each instance.
      help: one line for `--help`.
      choices: the legal values, of a list the legal items; or None.
      aliases: other spellings, without dashes.
      modes: the values of `--mode` that read the flag, 'train' also for every 'train_*'; empty is
        all of them. In another mode the flag is refused where it is given.
      **bounds: `at_least`, `above`, `at_most`, `below`: limits of a number, or of each number of a
        list. A number must be finite in any case.
    """
    unknown = set(bounds) - set(_BOUNDS)
    if unknown:
        raise TypeError('flag has no argument %s' % ', '.join(sorted(unknown)))
    metadata = {'help': help, 'choices': choices, 'aliases': tuple(aliases),
                'modes': tuple(modes), 'bounds': bounds}
    if isinstance(default, list):
        return dataclasses.field(default_factory=lambda: list(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def same_flag(config_class, name, **changes):
    """The flag `name` of a dataclass again, for one that inherits it and differs in a detail.

    Args:
      config_class: a dataclass whose fields were made by `flag`.
      name: of the field.
      **changes: arguments of `flag` that differ.
    """
    field = config_class.__dataclass_fields__[name]
    arguments = dict(field.metadata['bounds'], default=default_of(field),
                     **{key: field.metadata[key]
                        for key in ('help', 'choices', 'aliases', 'modes')})
    same = flag(**dict(arguments, **changes))
    same.metadata = dict(field.metadata, **same.metadata)
    return same


def path_flag(default, help, aliases=(), modes=()):  # pylint: disable=redefined-builtin
    """A `flag` that is a path, or a list of them: `~` and `$NAME` at the beginning are expanded
    where it is typed."""
    field = flag(default, help, aliases=aliases, modes=modes)
    field.metadata = dict(field.metadata, is_path=True)
    return field


def read_by(*modes):
    """Class decorator: the `modes` of all flags of a dataclass that declare none themselves."""
    def declare(config_class):
        for field in dataclasses.fields(config_class):
            if not field.metadata['modes']:
                field.metadata = dict(field.metadata, modes=modes)
        return config_class
    return declare


@dataclasses.dataclass
class Flags:
    """A configuration whose values keep their declared choices and bounds.

    Raises:
      UserError: a value that does not; names the flag, the value and what it must be.
    """

    def __post_init__(self):
        check_fields(self)

    def require(self, **purposes):
        """Raises a UserError that names the first of these flags that is empty.

        Args:
          **purposes: flag -> what it is for, in words.
        """
        for name, purpose in purposes.items():
            if not getattr(self, name):
                raise UserError('--%s= is empty: must be %s' % (name, purpose))


def check_fields(values):
    """`check_value` of every field of a dataclass."""
    for field in dataclasses.fields(values):
        check_value(field, getattr(values, field.name))


def check_value(field, value, where=''):
    """Raises a UserError unless `value` keeps the choices and bounds of a field made by `flag`.

    Args:
      field: of a dataclass.
      value: to be checked.
      where: what the error begins with; empty: the flag.
    """
    choices = field.metadata.get('choices')
    where = where or '--' + field.name
    items = value if isinstance(value, list) else [value]
    unknown = [item for item in items if choices and item not in choices]
    if unknown:
        raise UserError('%s=%s: must be %s %s' % (
            where, ','.join(map(str, unknown)), 'among' if isinstance(value, list) else 'one of',
            ', '.join(map(str, choices))))
    bounds = field.metadata.get('bounds', {})
    for number in items:
        if not isinstance(number, (int, float)) or isinstance(number, bool):
            continue
        if not (math.isfinite(number)
                and all(_BOUNDS[kind][0](number, bound) for kind, bound in bounds.items())):
            limits = [_BOUNDS[kind][1] % bound for kind, bound in bounds.items()]
            raise UserError('%s=%s: must be %s' % (
                where, number, ' and '.join(limits) or 'a finite number'))


def parse_flags(description, *config_classes, argv=None, defaults=None):
    """Reads the command line into one instance of each of `config_classes`.

    A boolean flag is written `--x`, `--x=true`, `--x=false` or `--nox`; a list has commas.
    Unknown flags and wrong values end the program with status 2 and a message, and so does a flag
    that is given although the mode in `--mode` does not read it.

    Args:
      description: what the program does, for `--help`.
      *config_classes: dataclasses whose fields were made by `flag`; no name may occur twice.
      argv: the arguments; None takes those of the process.
      defaults: function of the values by name, which gives those that stand in for the
        dataclasses' own where the command line is silent (a configuration that a flag names).

    Returns:
      A tuple of instances, in the order of `config_classes`.
    """
    parser = argparse.ArgumentParser(
        description=description, allow_abbrev=False,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    for config_class in config_classes:
        group = parser.add_argument_group(_first_line(config_class))
        hints = typing.get_type_hints(config_class)
        for field in dataclasses.fields(config_class):
            _add_flag(group, field, hints[field.name])
    values = {field.name: default_of(field) for config_class in config_classes
              for field in dataclasses.fields(config_class)}
    # The parser sets its defaults only where the namespace has nothing yet.
    parsed = parser.parse_args(argv, argparse.Namespace(**dict.fromkeys(values, _NOT_GIVEN)))
    given = {name: value for name, value in vars(parsed).items() if value is not _NOT_GIVEN}
    values.update(given)
    _check_modes({field.name: field for config_class in config_classes
                  for field in dataclasses.fields(config_class)}, given, values.get('mode'))
    if defaults:
        values.update(dict(defaults(values), **given))
    return tuple(
        config_class(**{field.name: values[field.name]
                        for field in dataclasses.fields(config_class)})
        for config_class in config_classes)


def _check_modes(fields, given, mode):
    """Raises a UserError that names the first given flag that `mode` does not read."""
    def reads(field, mode):
        return not field.metadata['modes'] or any(
            mode == name or mode.startswith(name + '_') for name in field.metadata['modes'])

    for name, value in given.items() if mode else ():
        if not reads(fields[name], mode):
            readers = [other for other in fields['mode'].metadata['choices']
                       if reads(fields[name], other)]
            raise UserError('--%s=%s: must not be given with --mode=%s (read by %s)' % (
                name, as_typed(value), mode, ', '.join(readers)))


def as_typed(value):
    """A flag's value as it is written on the command line."""
    if isinstance(value, bool):
        return str(value).lower()
    return ','.join(map(str, value)) if isinstance(value, list) else str(value)


def default_of(field):
    """The default value of a dataclass's field."""
    return field.default if field.default is not dataclasses.MISSING else field.default_factory()


def _first_line(config_class):
    return (config_class.__doc__ or config_class.__name__).strip().split('\n')[0].rstrip('.')


def _add_flag(group, field, kind):
    names = ['--' + name for name in (field.name,) + field.metadata['aliases']]
    default = default_of(field)
    arguments = dict(dest=field.name, default=default, help=field.metadata['help'],
                     choices=field.metadata['choices'])
    if kind in (bool, BOOL_OR_TEXT):
        texts = [text for text in field.metadata['choices'] or () if isinstance(text, str)]
        group.add_argument(*names, type=_boolean if kind is bool else _boolean_or_text, nargs='?',
                           const=True, metavar='|'.join(['true', 'false'] + texts),
                           dest=field.name, default=default, help=field.metadata['help'])
        group.add_argument('--no' + field.name, dest=field.name, action='store_false',
                           default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    elif kind in _ITEM_TYPES:
        arguments.pop('choices')
        item = expand_typed if field.metadata.get('is_path') else _ITEM_TYPES[kind]
        group.add_argument(*names, type=_list_of(item), metavar='A,B,...', **arguments)
    elif field.metadata.get('is_path'):
        group.add_argument(*names, type=expand_typed, **arguments)
    else:
        group.add_argument(*names, type=kind, **arguments)


def _boolean(text):
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise argparse.ArgumentTypeError('%r is neither true nor false' % text)


def _boolean_or_text(text):
    try:
        return _boolean(text)
    except argparse.ArgumentTypeError:
        return text


def _list_of(item):
    def parse(text):
        try:
            return [item(part) for part in text.split(',') if part.strip()]
        except ValueError:
            raise argparse.ArgumentTypeError(
                '%r is not a list of %ss with commas' % (text, item.__name__))
    return parse
