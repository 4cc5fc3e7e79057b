"""Command-line flags declared as dataclasses.

The configuration of a program is one or more dataclasses; each field is a flag of the same name:

    @dataclasses.dataclass
    class Config(Flags):
        batch_size: int = flag(4, 'examples per step', at_least=1)

    config, = parse_flags('Trains a model.', Config)

Values are checked whenever a `Flags` is constructed, also in code.
"""
import argparse
import dataclasses
import difflib
import functools
import math
import operator
import typing

from vo_common.console import warn
from vo_common.errors import UserError
from vo_common.files import expand_typed

_BOOLEANS = dict.fromkeys(('true', 't', 'yes', 'y', '1'), True)
_BOOLEANS.update(dict.fromkeys(('false', 'f', 'no', 'n', '0'), False))
BOOL_OR_TEXT = typing.Union[bool, str]  # type of a flag with the choices False, True and texts
_ITEM_TYPES = {typing.List[int]: int, typing.List[float]: float, typing.List[str]: str}
# Type of a value -> (function of its text, name in messages, name in the help).
_KINDS = {int: (int, 'a whole number', 'N'), float: (float, 'a number', 'X'),
          str: (str, 'text', 'TEXT'), expand_typed: (expand_typed, 'a path', 'PATH'),
          bool: (lambda text: _BOOLEANS[text.lower()], 'true or false', 'true|false'),
          BOOL_OR_TEXT: (lambda text: _BOOLEANS.get(text.lower(), text), 'text', 'TEXT')}
_BOUNDS = {'at_least': (operator.ge, 'at least'), 'above': (operator.gt, 'above'),
           'at_most': (operator.le, 'at most'), 'below': (operator.lt, 'below')}


# pylint: disable-next=redefined-builtin
def flag(default, help, choices=None, aliases=(), modes=(), topic=None, is_path=False,
         architecture=False, at_least=None, above=None, at_most=None, below=None):
    """A dataclass field that `parse_flags` turns into a flag.

    Args:
      default: value if the flag is not given. A list is copied for each instance.
      help: one line for `--help`.
      choices: legal values, or legal items of a list; None for all.
      aliases: other spellings, without dashes.
      modes: values of `--mode` that read the flag ('train' includes every 'train_*'); empty for
        all. In other modes, giving the flag is an error.
      topic: (name, function): adds a flag `--name` that prints the text that the function returns.
      is_path: whether it is a path or a list of paths: `~` and `$NAME` at the start are expanded.
      architecture: whether it defines the model: a run cannot resume with another value.
      at_least, above, at_most, below: limits of a number, or of each number in a list. Numbers must
        always be finite.
    """
    metadata = dict(help=help, choices=choices, aliases=aliases, modes=modes, topic=topic,
                    is_path=is_path, architecture=architecture, at_least=at_least, above=above,
                    at_most=at_most, below=below)
    if isinstance(default, list):
        return dataclasses.field(default_factory=lambda: list(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def same_flag(config_class, name, **changes):
    """A copy of the flag `name`, for a dataclass that inherits it; `changes` are for `flag`."""
    field = config_class.__dataclass_fields__[name]
    return flag(**{'default': default_of(field), **field.metadata, **changes})


path_flag = functools.partial(flag, is_path=True)


def read_by(*modes):
    """Class decorator that sets `modes` for all flags of a dataclass that declare none."""
    def declare(config_class):
        for field in dataclasses.fields(config_class):
            if not field.metadata['modes']:
                field.metadata = dict(field.metadata, modes=modes)
        return config_class
    return declare


@dataclasses.dataclass
class Flags:
    """A configuration whose values are within their declared choices and bounds.

    Otherwise raises a UserError that names the flag, the value and what it must be.
    """

    def __post_init__(self):
        for field in dataclasses.fields(self):
            check_value(field, getattr(self, field.name))

    def is_default(self, name):
        """Whether the flag `name` has its default."""
        return getattr(self, name) == default_of(self.__dataclass_fields__[name])

    def require(self, **purposes):
        """Raises a UserError for the first empty flag among `purposes`, name -> purpose."""
        for name, purpose in purposes.items():
            if not getattr(self, name):
                raise UserError('--%s= is empty: must be %s' % (name, purpose))


def check_value(field, value, where=''):
    """Raises a UserError unless `value` is within the choices and bounds of a field.

    The message begins with `where`, by default the name of the flag.
    """
    choices = field.metadata['choices']
    where = where or '--' + field.name
    items = value if isinstance(value, list) else [value]
    unknown = [item for item in items if choices and item not in choices]
    if unknown:
        raise UserError('%s=%s: must be %s %s' % (
            where, as_typed(unknown), 'among' if isinstance(value, list) else 'one of',
            ', '.join(str(choice) for choice in choices if choice != '')))
    bounds = [(is_within, words, field.metadata[kind])
              for kind, (is_within, words) in _BOUNDS.items() if field.metadata[kind] is not None]
    for number in items:
        if not isinstance(number, (int, float)) or isinstance(number, bool):
            continue
        if not (math.isfinite(number)
                and all(is_within(number, bound) for is_within, _, bound in bounds)):
            raise UserError('%s=%s: must be %s' % (where, number, ' and '.join(
                '%s %s' % (words, bound) for _, words, bound in bounds) or 'a finite number'))


def parse_flags(description, *config_classes, argv=None, defaults=None):
    """Parses the command line into a tuple of instances of `config_classes`, in their order.

    A boolean flag is written `--x`, `--x=true`, `--x=false` or `--nox`; a list is separated by
    commas. Unknown flags end the program with status 2.

    Args:
      description: description of the program, which `--help` shows unchanged.
      *config_classes: dataclasses whose fields were made by `flag`; no name may occur twice.
      argv: the arguments; None for those of the process.
      defaults: function from the values by name to a dict of defaults that replace those of the
        dataclasses (such as a saved configuration that a flag names).

    Raises:
      UserError: a value is illegal, or `--mode` does not read a given flag.
    """
    fields = {field.name: field for config_class in config_classes
              for field in dataclasses.fields(config_class)}
    mode = '--mode=MODE ' if 'mode' in fields else ''
    parser = argparse.ArgumentParser(
        usage='%%(prog)s %s[--flag=value ...]' % mode, description=description,
        allow_abbrev=False, formatter_class=_HelpFormatter, argument_default=argparse.SUPPRESS)
    groups = {}
    for config_class in config_classes:
        for field in dataclasses.fields(config_class):
            title = _purpose(config_class, field.name)
            if title not in groups:
                groups[title] = parser.add_argument_group(title)
            _add_flag(groups[title], field)
    given, unknown = parser.parse_known_args(argv)
    if unknown:
        parser.error('unrecognized arguments: %s%s' % (
            ' '.join(unknown), _suggestion(unknown[0], parser)))
    given = vars(given)
    values = dict({name: default_of(field) for name, field in fields.items()}, **given)
    for name, value in given.items():
        check_value(fields[name], value)
    _check_modes(fields, given, values.get('mode'))
    if defaults:
        saved = defaults(values)
        _warn_of_other_model(fields, given, saved, values.get('mode'))
        values.update(dict(saved, **given))
    return tuple(
        config_class(**{field.name: values[field.name]
                        for field in dataclasses.fields(config_class)})
        for config_class in config_classes)


def _suggestion(argument, parser):
    """`; did you mean --x?` for a misspelt flag, or empty."""
    flags = [name for name in parser._option_string_actions if not name.startswith('--no')]
    close = difflib.get_close_matches(argument.split('=')[0], flags, 1, 0.8)
    return '; did you mean %s?' % close[0] if close else ''


def _check_modes(fields, given, mode):
    """Raises a UserError for the first given flag that `mode` does not read."""
    def reads(field, mode):
        return not field.metadata['modes'] or any(
            mode == name or mode.startswith(name + '_') for name in field.metadata['modes'])

    for name, value in given.items() if mode else ():
        if not reads(fields[name], mode):
            readers = [other for other in fields['mode'].metadata['choices']
                       if reads(fields[name], other)]
            raise UserError('--%s=%s: must not be given with --mode=%s (read by %s)' % (
                name, as_typed(value), mode, ', '.join(readers)))


def _warn_of_other_model(fields, given, saved, mode):
    """Warns of given `architecture` flags that contradict the model to predict with."""
    for name, value in given.items() if not (mode or '').startswith('train') else ():
        if fields[name].metadata['architecture'] and saved.get(name, value) != value:
            warn('--%s=%s: the checkpoint was trained with %s' % (
                name, as_typed(value), as_typed(saved[name]) or 'none'))


def as_typed(value):
    """The value of a flag as written on the command line."""
    if isinstance(value, bool):
        return str(value).lower()
    return ','.join(map(str, value)) if isinstance(value, list) else str(value)


def default_of(field):
    """The default value of a field of a dataclass."""
    return field.default if field.default is not dataclasses.MISSING else field.default_factory()


def _purpose(config_class, name):
    """The first docstring line of the class that declares the field `name`; titles its group."""
    declaring = [each for each in config_class.__mro__ if name in vars(each).get(
        '__annotations__', {})][-1]
    return (declaring.__doc__ or declaring.__name__).strip().split('\n')[0].rstrip('.')


def _add_flag(group, field):
    names = ['--' + name for name in (field.name, *field.metadata['aliases'])]
    kind, help_text, choices = field.type, field.metadata['help'], field.metadata['choices'] or ()
    item = expand_typed if field.metadata['is_path'] else _ITEM_TYPES.get(kind, kind)
    words = '|'.join(as_typed(choice) for choice in choices if choice != '')
    metavar = words if 0 < len(words) <= 40 else _KINDS[item][2]
    if kind in _ITEM_TYPES:
        metavar = 'A,B,...'
    if words and metavar != words:
        help_text += '; one of ' + words.replace('|', ', ')
    if default_of(field) not in ('', []):
        help_text += ' (default: %s)' % as_typed(default_of(field))
    if field.metadata['modes']:
        help_text += ' [%s]' % ', '.join(field.metadata['modes'])
    is_switch = kind in (bool, BOOL_OR_TEXT)
    group.add_argument(*names, dest=field.name, type=_parser_of(field.name, kind, item),
                       metavar=metavar, help=help_text,
                       **(dict(nargs='?', const=True) if is_switch else {}))
    if is_switch:
        group.add_argument('--no' + field.name, dest=field.name, action='store_false',
                           default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    if field.metadata['topic']:
        name, describe = field.metadata['topic']
        group.add_argument('--' + name, action='version', version=describe(),
                           help='describe --%s' % field.name)


def _parser_of(name, kind, item):
    """The function that converts the text of a flag of type `kind` with items of type `item`."""
    is_list = kind in _ITEM_TYPES
    convert, wanted, _ = _KINDS[item]

    def parse(text):
        try:
            if is_list:
                return [convert(part) for part in text.split(',') if part.strip()]
            return convert(text)
        except (KeyError, ValueError):
            raise UserError('--%s=%s: must be %s%s' % (
                name, text, 'a comma-separated list, each item ' if is_list else '', wanted))
    return parse


class _HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Shows a flag as typed: --flag=VALUE."""

    def _format_action_invocation(self, action):
        values = '' if action.nargs == 0 else '=' + action.metavar
        return ', '.join(action.option_strings) + values
