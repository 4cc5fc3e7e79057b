"""The rank table: the file in which HCCL finds the cards of a job."""
from common.errors import UserError
from common.files import read_json


def check_rank_table(path, size=None):
    """Raises a UserError unless `path` is a complete rank table.

    Args:
      path: JSON file.
      size: number of ranks it must have; None takes what is there.

    Returns:
      The number of ranks.
    """
    table = read_json(path)
    try:
        servers = table['server_list']
        devices = [entry for server in servers for entry in server['device']]
        ranks = sorted(int(entry['rank_id']) for entry in devices)
        complete = all(entry['device_id'] and entry['device_ip'] for entry in devices)
        counted = int(table.get('server_count', len(servers))) == len(servers)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UserError('rank table %s: no server_list with device_id, device_ip and rank_id '
                        '(%s: %s); scripts/make_rank_table.py writes one'
                        % (path, type(error).__name__, error)) from error
    size = len(ranks) if size is None else size
    if not ranks or ranks != list(range(size)) or table.get('status') != 'completed':
        raise UserError('rank table %s: status %r, ranks %s; wanted is status \'completed\' and '
                        'the ranks 0 to %d, RANK_SIZE being %d; scripts/make_rank_table.py writes '
                        'one' % (path, table.get('status'), ranks, size - 1, size))
    if not complete or not counted:
        raise UserError('rank table %s: server_count is not that of server_list, or a card has no '
                        'device_id or device_ip; scripts/make_rank_table.py writes one' % path)
    return size
