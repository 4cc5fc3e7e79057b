"""The rank table: the file that lists the cards of a job for HCCL."""
import re

from vo_common.errors import UserError
from vo_common.files import read_json

_CURE = 'scripts/make_rank_table.py writes one'


def check_rank_table(path, size=None):
    """Raises a UserError unless `path` is a complete rank table.

    Args:
      path: JSON file.
      size: required number of ranks; None for any.

    Returns:
      The number of ranks.
    """
    table = read_json(path, 'rank table')
    try:
        servers = table['server_list']
        cards = [card for server in servers for card in server['device']]
        ranks = sorted(_number(card['rank_id']) for card in cards)
        addressed = all(card['device_id'] and card['device_ip'] for card in cards)
        counted = _number(table.get('server_count', str(len(servers))))
        status = table.get('status')
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UserError('%s: found %s, must be a rank table: server_list with device_id, device_ip '
                        'and rank_id of every card (%s)' % (path, _found(error), _CURE)) from error
    size = len(ranks) if size is None else size
    if status != 'completed':
        raise UserError("%s: found status %s, must be 'completed' (%s)"
                        % (path, _named(status), _CURE))
    if not ranks or ranks != list(range(size)):
        raise UserError('%s: found the ranks %s, must be 0 to %d, RANK_SIZE being %d (%s)'
                        % (path, _short(', '.join(map(str, ranks)) or 'of no card'), size - 1,
                           size, _CURE))
    if counted != len(servers):
        raise UserError('%s: found server_count %d, must be %d, the servers in server_list (%s)'
                        % (path, counted, len(servers), _CURE))
    if not addressed:
        raise UserError('%s: found a card without device_id or device_ip, must be with both (%s)'
                        % (path, _CURE))
    return size


def ranks_beside(path, rank):
    """The number of ranks on the server of `rank`, according to the rank table `path`.

    Raises:
      UserError: as `check_rank_table`, or the table lacks `rank`.
    """
    size = check_rank_table(path)
    for server in read_json(path, 'rank table')['server_list']:
        if rank in (_number(card['rank_id']) for card in server['device']):
            return len(server['device'])
    raise UserError('RANK_ID=%d in the environment: must be one of the %d ranks in %s'
                    % (rank, size, path))


def _number(value):
    """The int of a text such as '0' or a JSON integer; raises ValueError for anything else."""
    plain = isinstance(value, (str, int)) and not isinstance(value, bool)
    if not plain or not re.match(r'[0-9]{1,9}\Z', str(value)):
        raise ValueError('%s where a whole number belongs' % _named(value))
    return int(value)


def _found(error):
    if isinstance(error, KeyError):
        return 'no ' + _short(str(error.args[0]))
    if isinstance(error, ValueError):
        return str(error)
    return 'a value of another kind'


def _named(value):
    """A value for a message; lists and objects, which may be nested deeply, by type only."""
    is_plain = value is None or isinstance(value, (str, int, float))
    return _short(repr(value)) if is_plain else 'a ' + type(value).__name__


def _short(text):
    return text if len(text) <= 60 else text[:57] + '...'
