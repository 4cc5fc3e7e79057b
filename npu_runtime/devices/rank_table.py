"""The rank table, a file that lists the cards of a job for HCCL."""
import json
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
        status = json.dumps(table.get('status'))
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise UserError('%s: found %s, must be a rank table: server_list with device_id, device_ip '
                        'and rank_id of every card (%s)' % (path, _found(error), _CURE)) from error
    size = len(ranks) if size is None else size
    if status != '"completed"':
        raise UserError('%s: found status %.60s, must be "completed" (%s)' % (path, status, _CURE))
    if not ranks or ranks != list(range(size)):
        raise UserError('%s: found the ranks %.60s, must be 0 to %d, RANK_SIZE being %d (%s)'
                        % (path, ', '.join(map(str, ranks)) or 'of no card', size - 1, size, _CURE))
    if counted != len(servers):
        raise UserError('%s: found server_count %d, must be %d, the servers in server_list (%s)'
                        % (path, counted, len(servers), _CURE))
    if not addressed:
        raise UserError('%s: found a card without device_id or device_ip, must have both (%s)'
                        % (path, _CURE))
    return size


def device_of(path, rank):
    """The number of the card of a rank, a str, in a rank table that `check_rank_table` accepts."""
    cards = [card for server in read_json(path)['server_list'] for card in server['device']]
    return next(str(card['device_id']) for card in cards if _number(card['rank_id']) == rank)


def _number(value):
    """The int of a text such as '0' or a JSON integer; raises ValueError for anything else."""
    if type(value) not in (str, int) or not re.match(r'[0-9]{1,9}\Z', str(value)):
        raise ValueError('%.60r where a whole number belongs' % (value,))
    return int(value)


def _found(error):
    if isinstance(error, KeyError):
        return 'no %.60s' % error.args
    return str(error) if isinstance(error, ValueError) else 'a value of another kind'
