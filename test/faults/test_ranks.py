"""Ranks that are killed, stopped or terminated at any stage, and hosts that do not exist."""
import os
import signal
import time

import pytest

import cases
import programs as running
from npu_runtime import checkpoints
from settings import FULL
from test_signals import STAGES
from toy_training import losses_of

WITHIN = 60  # seconds from the fault to the end of all others
pytest.importorskip('horovod', reason='needs Horovod: scripts/install_horovod.sh')


def launch(tmp_path, run, *arguments):
    return running.interpreter(tmp_path, 'scripts/train_multi.sh', '--np', '2', *arguments,
                               *cases.train_toy(None, run, 1000, '--slow_reading=0.05'))


def rank_process(run, rank):
    """Process id of this rank of the training in `run`, or None."""
    for name in filter(str.isdigit, os.listdir('/proc')):
        variables = running.read('/proc/%s/environ' % name).split('\0')
        if 'HOROVOD_RANK=%d' % rank in variables and str(run) in running.read(
                '/proc/%s/cmdline' % name) and 'toy_program' in running.read(
                    '/proc/%s/cmdline' % name).split('\0')[1]:
            return int(name)
    return None


@pytest.mark.parametrize('rank', [0, 1])
@pytest.mark.parametrize('fault', ['SIGKILL', 'SIGSTOP', 'SIGTERM'])
@pytest.mark.parametrize('stage', list(STAGES))
def test_all_ranks_exit_with_a_message_when_one_fails_at_any_stage(
        stage, fault, rank, programs, world, tmp_path):
    if not FULL and (stage, fault, rank) != ('while_reading', 'SIGKILL', 1):
        pytest.skip('only in a full run')
    run = tmp_path / 'run'
    launched = launch(tmp_path, run)
    pid = launched.wait_until(lambda: rank_process(run, rank))
    STAGES[stage](launched, run)
    began = time.monotonic()
    os.kill(pid, getattr(signal, fault))
    try:
        ended = launched.ended(WITHIN)
    finally:
        launched.kill()
        for one in (0, 1):
            left = rank_process(run, one)
            if left:
                os.kill(left, signal.SIGKILL)
    assert time.monotonic() - began < WITHIN
    assert ended.status != 0
    running.assert_no_trace(ended)
    assert 'rank' in ended.err + ended.out, running.complaint(ended)
    if run.exists() and checkpoints.prefixes_in(str(run)):
        step = checkpoints.read_step(checkpoints.newest_in(str(run)))
        assert step <= losses_of(run)[-1][0]


@pytest.mark.parametrize('hosts', ['no-such-host.invalid:1,localhost:1', 'localhost:1', 'a:b', ':',
                                   '192.0.2.1:1,localhost:1'])
def test_wrong_list_of_hosts_fails_with_a_message(hosts, tmp_path):
    launched = launch(tmp_path, tmp_path / 'run', '--hosts', hosts)
    ended = launched.ended(WITHIN)
    assert ended.status != 0
    running.assert_no_trace(ended)
    assert 'error: ' in ended.err, running.complaint(ended)


def test_two_hosts_have_the_losses_of_one_process(two_hosts, programs, tmp_path):
    hosts, ssh = two_hosts
    one, two = tmp_path / 'one', tmp_path / 'two'
    programs.works(*cases.train_toy(None, one, 12, '--shared'))
    command = cases.train_toy(None, two, 12, '--shared')
    ended = running.interpreter(
        tmp_path, *hosts[0].command(
            'bash', str(running.ROOT / 'scripts' / 'train_multi.sh'), '--np', '2', '--hosts',
            ','.join(host.name + ':1' for host in hosts), '--interface', 'eth0',
            *command),
        env={'PATH': '%s:%s' % (ssh, os.environ['PATH'])}).ended()
    assert ended.status == 0, running.complaint(ended)
    assert [step for step, _ in losses_of(two)] == list(range(1, 13))
    assert [total for _, total in losses_of(two)] == pytest.approx(
        [total for _, total in losses_of(one)], rel=1e-5)
