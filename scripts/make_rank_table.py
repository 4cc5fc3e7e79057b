"""Writes the rank table, which lists the NPU cards of a job and their addresses for HCCL.

    python scripts/make_rank_table.py --output=rank_table.json                 this host's 8 cards
    python scripts/make_rank_table.py --output=t.json --devices=0,1 --server_ids=10.0.0.1,10.0.0.2
    python scripts/make_rank_table.py --check=rank_table.json --rank_size=8

Reads the addresses of the cards from /etc/hccn.conf (lines `address_<card>=<address>`), unless
--device_ips gives them. Set RANK_TABLE_FILE to the result for every rank.
"""
import dataclasses
import ipaddress
import os
import re
import socket
import sys
from typing import List

if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from npu_runtime.devices.rank_table import read_rank_table  # noqa: E402
from vo_common.errors import UserError, run_main  # noqa: E402
from vo_common.files import read_lines, write_json  # noqa: E402
from vo_common.flags import Flags, as_typed, flag, parse_flags, path_flag  # noqa: E402


@dataclasses.dataclass
class Config(Flags):
    """Rank table."""
    output: str = path_flag('', 'file to write')
    devices: List[int] = flag([0, 1, 2, 3, 4, 5, 6, 7], 'cards to use, on every server',
                              at_least=0)
    server_ids: List[str] = flag([], 'addresses of the servers in rank order; empty for this host')
    device_ips: List[str] = flag([], 'addresses of the cards, server by server; empty reads '
                                     '--hccn_conf, for one server')
    hccn_conf: str = path_flag('/etc/hccn.conf', 'file with the addresses of this host\'s cards')
    check: str = path_flag('', 'check this rank table instead of writing one')
    rank_size: int = flag(0, 'required number of ranks of the checked table; 0 for any',
                          at_least=0)


def rank_table(server_ids, devices, device_ips):
    """The table as a dict, with keys in the order of HCCL's documentation.

    Args are the flags of the same names.

    Raises:
      UserError: the number of entries is wrong, or an address is duplicate or invalid.
    """
    needed = len(server_ids) * len(devices)
    if len(device_ips) != needed:
        raise UserError('--device_ips=%s: must be %d addresses, for %d cards on each of %d servers'
                        % (','.join(device_ips), needed, len(devices), len(server_ids)))
    for name, values in (('devices', devices), ('server_ids', server_ids),
                         ('device_ips', device_ips)):
        if not values or len(set(values)) != len(values):
            raise UserError('--%s=%s: must be different values' % (name, as_typed(values)))
        for address in values if name != 'devices' else ():
            try:
                ipaddress.IPv4Address(address)
            except ValueError as error:
                raise UserError('--%s=%s: must be addresses like 192.168.100.101'
                                % (name, address)) from error
    numbered = enumerate(device_ips)
    servers = [{'server_id': server_id,
                'device': [{'device_id': str(device), 'device_ip': address, 'rank_id': str(rank)}
                           for device, (rank, address) in zip(devices, numbered)]}
               for server_id in server_ids]
    return {'version': '1.0', 'server_count': str(len(servers)), 'server_list': servers,
            'status': 'completed'}


def addresses_of_cards(path, devices):
    """The addresses of the cards `devices` in a file like /etc/hccn.conf: list of str."""
    found = dict(re.findall(r'^address_([0-9]+)\s*=\s*(\S+)$', '\n'.join(read_lines(
        path, '--hccn_conf')), re.MULTILINE))
    missing = [device for device in devices if str(device) not in found]
    if missing:
        raise UserError('%s: found addresses of the cards %s, must contain %s too (or give '
                        '--device_ips)' % (path, ', '.join(sorted(found)) or 'none',
                                           ', '.join(map(str, missing))))
    return [found[str(device)] for device in devices]


def _own_address():
    try:
        return socket.gethostbyname(socket.gethostname())
    except OSError as error:
        raise UserError('--server_ids= is empty: must be the address of this host, which cannot be '
                        'determined (%s)' % error) from error


def main(argv=None):
    config, = parse_flags(__doc__, Config, argv=argv)
    if config.check:
        cards = read_rank_table(os.path.abspath(config.check), config.rank_size or None)
        print('%s: a complete rank table of %d ranks' % (config.check, len(cards)))
        return 0
    config.require(output='the file to write')
    server_ids = config.server_ids or [_own_address()]
    device_ips = config.device_ips
    if not device_ips:
        if len(server_ids) > 1:
            raise UserError('--device_ips= is empty: must be the addresses of the cards of all '
                            'servers (%s has those of one)' % config.hccn_conf)
        device_ips = addresses_of_cards(config.hccn_conf, config.devices)
    path = os.path.abspath(config.output)
    write_json(path, rank_table(server_ids, config.devices, device_ips))
    print('wrote %s: %d ranks' % (path, len(device_ips)))
    return 0


if __name__ == '__main__':
    run_main(main)
