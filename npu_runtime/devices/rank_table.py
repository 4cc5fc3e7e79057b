"""The rank table, a file that lists the cards of a job for HCCL."""
import json
import re

from vo_common.errors import UserError
from vo_common.files import read_json

_CURE = 'scripts/make_rank_table.py writes one'


def read_rank_table(path, size=None):
    """The card of each rank in a JSON file: dict, rank -> device_id, a str.

    Raises a UserError unless the table is complete and, if `size` is given, has that many ranks.
    """
    table = read_json(path, 'rank table')
    try:
        servers = table['server_list']
        cards = [(_number(card['rank_id']), card['device_id'], card['device_ip'])
                 for server in servers for card in server['device']]
        counted = _number(table.get('server_count', str(len(servers))))
        status = json.dumps(table.get('status'))
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise UserError('%s: found %s, must be a rank table: server_list with device_id, device_ip '
                        'and rank_id of every card (%s)' % (path, _found(error), _CURE)) from error
    ranks = sorted(rank for rank, _, _ in cards)
    size = len(ranks) if size is None else size
    if status != '"completed"':
        raise UserError('%s: found status %.60s, must be "completed" (%s)' % (path, status, _CURE))
    if not ranks or ranks != list(range(size)):
        raise UserError('%s: found the ranks %.60s, must be 0 to %d, RANK_SIZE being %d (%s)'
                        % (path, ', '.join(map(str, ranks)) or 'of no card', size - 1, size, _CURE))
    if counted != len(servers):
        raise UserError('%s: found server_count %d, must be %d, the servers in server_list (%s)'
                        % (path, counted, len(servers), _CURE))
    if not all(device and address for _, device, address in cards):
        raise UserError('%s: found a card without device_id or device_ip, must have both (%s)'
                        % (path, _CURE))
    return {rank: str(device) for rank, device, _ in cards}


def _number(value):
    """The int of a text such as '0' or a JSON integer; raises ValueError for anything else."""
    if type(value) not in (str, int) or not re.match(r'[0-9]{1,9}\Z', str(value)):
        raise ValueError('%.60r where a whole number belongs' % (value,))
    return int(value)


def _found(error):
    if isinstance(error, KeyError):
        return 'no %.60s' % error.args
    return str(error) if isinstance(error, ValueError) else 'a value of another kind'
