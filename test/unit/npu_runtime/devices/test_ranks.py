"""How ranks are found, launched and described; test/distributed tests what they compute."""
import json
import os
import sys

import pytest

from repository import run
from npu_runtime.devices import ranks as distribution
from npu_runtime.devices.choose import Device
from npu_runtime.devices.rank_table import read_rank_table
from scripts import make_rank_table
from vo_common.errors import UserError
from vo_common.files import read_json

CPU, NPU = Device('cpu', 'test'), Device('npu', 'test')


@pytest.fixture
def connect(monkeypatch):
    """A function that joins the ranks of a device with these environment variables."""
    def connect_with(device, **environ):
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        return distribution.connect(device)
    return connect_with


@pytest.mark.parametrize('device,environ', [
    (NPU, {'RANK_SIZE': '1'}), (NPU, {'CM_WORKER_SIZE': '1'}),
    (CPU, {'CM_WORKER_SIZE': '8', 'CM_CHIEF_IP': '10.0.0.1'})])
def test_one_card_and_another_device_need_no_rank_table(connect, device, environ):
    assert connect(device, **environ).size == 1


def write_table(path, *flags):
    return make_rank_table.main(['--output=%s' % path, '--server_ids=10.0.0.1'] + list(flags))


def test_a_written_rank_table_is_accepted(connect, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv('ASCEND_DEVICE_ID', '1')
    path = str(tmp_path / 'my table.json')
    (tmp_path / 'hccn.conf').write_text('address_4=192.168.100.101\nnetmask_4=255.255.255.0\n'
                                        'address_5=192.168.101.101\n')
    write_table(path, '--devices=4,5', '--hccn_conf=%s' % (tmp_path / 'hccn.conf'))
    table = read_json(path)
    assert table['server_count'] == '1' and table['version'] == '1.0'
    assert table['server_list'][0]['device'][1] == {
        'device_id': '5', 'device_ip': '192.168.101.101', 'rank_id': '1'}
    ranks = connect(NPU, RANK_SIZE='2', RANK_ID='1', JOB_ID='1', RANK_TABLE_FILE=path)
    assert (ranks.size, ranks.rank) == (2, 1)
    assert os.environ['ASCEND_DEVICE_ID'] == '5'  # the card of the table, not of the launcher
    assert make_rank_table.main(['--check=%s' % path, '--rank_size=2']) == 0
    assert 'of 2 ranks' in capsys.readouterr().out


def test_ranks_are_counted_over_the_servers():
    table = make_rank_table.rank_table(['10.0.0.1', '10.0.0.2'], [4, 5],
                                       ['192.168.1.%d' % i for i in range(4)])
    devices = [device for server in table['server_list'] for device in server['device']]
    assert [device['rank_id'] for device in devices] == ['0', '1', '2', '3']
    assert [device['device_id'] for device in devices] == ['4', '5', '4', '5']


@pytest.mark.parametrize('flags,message', [
    (['--devices=0,1', '--device_ips=192.168.1.1'], 'must be 2 addresses'),
    (['--devices=0,0', '--device_ips=192.168.1.1,192.168.1.2'], '--devices=0,0: must be different'),
    (['--devices=0', '--device_ips=card0'], '--device_ips=card0: must be addresses'),
    (['--devices=0', '--device_ips=192.168.1.256'], '--device_ips=192.168.1.256: must be'),
    (['--devices=-1', '--device_ips=192.168.1.1'], '--devices=-1: must be at least 0'),
    (['--devices=0', '--hccn_conf=/nowhere.conf'], '/nowhere.conf')])
def test_invalid_cards_of_a_rank_table_are_reported(tmp_path, flags, message):
    with pytest.raises(UserError, match=message):
        write_table(tmp_path / 'table.json', *flags)


def card(table):
    """The second card of a table."""
    return table['server_list'][0]['device'][1]


@pytest.mark.parametrize('spoil,message', [
    (lambda table: table.pop('server_list'), 'found no server_list'),
    (lambda table: table.update(status='initializing'), 'found status "initializing"'),
    (lambda table: table['server_list'][0]['device'].pop(), 'found the ranks 0, must be 0 to 1'),
    (lambda table: card(table).update(rank_id='0'), 'found the ranks 0, 0'),
    (lambda table: card(table).update(device_ip=''), 'found a card without device_id or'),
    (lambda table: card(table).pop('rank_id'), 'found no rank_id'),
    (lambda table: card(table).update(rank_id='\u00b2'), 'found .* where a whole number'),
    (lambda table: card(table).update(rank_id=True), 'found True where a whole number'),
    (lambda table: card(table).update(rank_id=[['0']]), r'found \[\[.0.\]\] where a whole number'),
    (lambda table: table.update(server_list=5), 'found a value of another kind'),
    (lambda table: table['server_list'][0].update(device=None), 'found a value of another kind'),
    (lambda table: table.update(server_count='2'), 'found server_count 2, must be 1')])
def test_a_wrong_rank_table_is_reported(tmp_path, spoil, message):
    table = make_rank_table.rank_table(['10.0.0.1'], [0, 1], ['192.168.1.1', '192.168.1.2'])
    spoil(table)
    (tmp_path / 'table.json').write_text(json.dumps(table))
    with pytest.raises(UserError, match='table.json: ' + message):
        read_rank_table(str(tmp_path / 'table.json'), 2)


@pytest.mark.parametrize('text', [
    '{"server_list": [], "server_count": 1e400, "status": "completed"}',
    '{"server_list": [{"device": [{"rank_id": 1e400, "device_id": 0, "device_ip": 1}]}]}',
    '{"server_list": ' + '[' * 100000 + ']' * 100000 + '}', '[' * 100000 + ']' * 100000,
    '{"server_list": ' + '[' * 900 + ']' * 900 + '}', '[]', '5', '"x"', 'null', '{', '',
    '{"server_list": [{"device": [{"rank_id": "%s"}]}]}' % ('9' * 5000)])
def test_a_hostile_rank_table_is_reported_in_one_line(tmp_path, text):
    (tmp_path / 'table.json').write_text(text)
    with pytest.raises(UserError) as raised:
        make_rank_table.main(['--check=%s' % (tmp_path / 'table.json')])
    assert 'table.json: ' in str(raised.value) and len(str(raised.value)) < 400
    assert '\n' not in str(raised.value)


@pytest.mark.parametrize('device,environ,message', [
    (CPU, {'RANK_SIZE': '8'}, 'RANK_SIZE is 8.*device is cpu.*train_multi.sh --np 8'),
    (CPU, {'HOROVOD_SIZE': '2'}, 'install_horovod.sh'),
    (NPU, {'CM_WORKER_SIZE': '8', 'RANK_SIZE': '8'}, 'CM_WORKER_SIZE=8 in the environment: must '),
    (NPU, {'CM_WORKER_SIZE': '1', 'RANK_SIZE': '1'}, 'CM_WORKER_SIZE=1 in the environment: must '),
    (NPU, {'CM_WORKER_SIZE': '8'}, 'CM_WORKER_SIZE=8 in the environment: must be unset'),
    (NPU, {'CM_CHIEF_IP': '10.0.0.1', 'RANK_TABLE_FILE': 't.json'}, 'CM_CHIEF_IP=10.0.0.1 in the '),
    (NPU, {'RANK_SIZE': '\u00b2'}, 'RANK_SIZE=\u00b2 in the environment: must be a whole number')])
def test_a_launch_that_does_not_fit_the_device_is_refused(
        connect, monkeypatch, device, environ, message):
    monkeypatch.setitem(sys.modules, 'horovod', None)
    with pytest.raises(UserError, match=message):
        connect(device, **environ)


@pytest.mark.parametrize('arguments,message', [
    (['--np', '0', 'geonet/main.py'], '--np=0: must be a number of ranks'),
    (['--np', '2'], 'no program given'),
    (['--np', '2', 'nowhere.py'], 'nowhere.py does not exist')])
def test_a_wrong_launch_is_reported(arguments, message):
    ended = run('scripts/train_multi.sh', *arguments, PYTHON=sys.executable)
    assert ended.returncode == 2 and message in ended.stderr


@pytest.mark.parametrize('environ, size', [
    ({}, 1), ({'RANK_SIZE': '8'}, 8), ({'HOROVOD_SIZE': '2', 'RANK_SIZE': '1'}, 2)])
def test_the_launched_size_is_known_before_the_ranks_connect(monkeypatch, environ, size):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert distribution.launched_size() == size
