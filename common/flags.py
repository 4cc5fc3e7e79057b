"""Command-line flags declared as dataclasses.

A program's configuration is one or more dataclasses; each field is a flag of the same name:

    @dataclasses.dataclass
    class Config:
        batch_size: int = flag(4, 'examples a step')

    config, = parse_flags('Trains a model.', Config)

Values are checked in `__post_init__`, where they are also checked when no command line is used.
"""
import argparse
import dataclasses
import typing

_TRUE = ('true', 't', 'yes', 'y', '1')
_FALSE = ('false', 'f', 'no', 'n', '0')
_ITEM_TYPES = {typing.List[int]: int, typing.List[float]: float, typing.List[str]: str}


def flag(default, help, choices=None, aliases=()):  # pylint: disable=redefined-builtin
    """A dataclass field that `parse_flags` turns into a flag.

    Args:
      default: the value without the flag. A list is copied for each instance.
      help: one line for `--help`.
      choices: the legal values, or None.
      aliases: other spellings, without dashes.
    """
    metadata = {'help': help, 'choices': choices, 'aliases': tuple(aliases)}
    if isinstance(default, list):
        return dataclasses.field(default_factory=lambda: list(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def parse_flags(description, *config_classes, argv=None, defaults=None):
    """Reads the command line into one instance of each of `config_classes`.

    A boolean flag is written `--x`, `--x=true`, `--x=false` or `--nox`; a list has commas.
    Unknown flags and wrong values end the program with status 2 and a message.

    Args:
      description: what the program does, for `--help`.
      *config_classes: dataclasses whose fields were made by `flag`; no name may occur twice.
      argv: the arguments; None takes those of the process.
      defaults: values by name that stand in for the dataclasses' own where the command line is
        silent (a configuration read from a file).

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
    if defaults:
        parser.set_defaults(**defaults)
    values = vars(parser.parse_args(argv))
    return tuple(
        config_class(**{field.name: values[field.name]
                        for field in dataclasses.fields(config_class)})
        for config_class in config_classes)


def _first_line(config_class):
    return (config_class.__doc__ or config_class.__name__).strip().split('\n')[0].rstrip('.')


def _add_flag(group, field, kind):
    names = ['--' + name for name in (field.name,) + field.metadata['aliases']]
    default = field.default
    if default is dataclasses.MISSING:
        default = field.default_factory()
    arguments = dict(dest=field.name, default=default, help=field.metadata['help'],
                     choices=field.metadata['choices'])
    if kind is bool:
        group.add_argument(*names, type=_boolean, nargs='?', const=True, metavar='true|false',
                           dest=field.name, default=default, help=field.metadata['help'])
        group.add_argument('--no' + field.name, dest=field.name, action='store_false',
                           default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    elif kind in _ITEM_TYPES:
        arguments.pop('choices')
        group.add_argument(*names, type=_list_of(_ITEM_TYPES[kind]), metavar='A,B,...',
                           **arguments)
    else:
        group.add_argument(*names, type=kind, **arguments)


def _boolean(text):
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise argparse.ArgumentTypeError('%r is neither true nor false' % text)


def _list_of(item):
    def parse(text):
        try:
            return [item(part) for part in text.split(',') if part.strip()]
        except ValueError:
            raise argparse.ArgumentTypeError(
                '%r is not a list of %ss with commas' % (text, item.__name__))
    return parse
