"""Precision and loss scaling: their choice, resuming, and checkpoints."""
import json
import os

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from npu_runtime import checkpoints
from npu_runtime.devices import graph_audit, host_kernels, npu_options, precision
from npu_runtime.devices.flags import RuntimeConfig
from npu_runtime.devices.choose import Device
from npu_runtime.session import session_config
from toy_training import (
    ONE_THREAD, kinked_model, linear_model, losses_of, run_toy, totals, train_rows, zeros_at)
from vo_common.errors import UserError

CPU, GPU, NPU = Device('cpu', ''), Device('gpu', ''), Device('npu', '')
SCALED = dict(ONE_THREAD, loss_scale='dynamic', loss_scale_value=1024., loss_scale_growth_steps=6)


@pytest.mark.parametrize('device,flags,kind', [
    (NPU, {}, 'dynamic'), (NPU, dict(precision_mode='force_fp32'), 'off'),
    (NPU, dict(npu_options=['precision_mode_v2=mixed_float16']), 'dynamic'),
    (NPU, dict(npu_options=['precision_mode_v2=origin']), 'off'),
    (NPU, dict(loss_scale='fixed'), 'fixed'),
    (NPU, dict(loss_scale='off'), 'off'), (GPU, {}, 'off'),
    (GPU, dict(precision_mode='allow_mix_precision'), 'dynamic'), (CPU, {}, 'off'),
    (GPU, dict(precision_mode='allow_mix_precision_fp16'), 'dynamic'),
    (CPU, dict(precision_mode='allow_mix_precision'), 'off'),
    (CPU, dict(loss_scale='dynamic'), 'dynamic')])
def test_loss_scaling_is_dynamic_exactly_in_mixed_float16(device, flags, kind):
    assert precision.loss_scale_kind(device, RuntimeConfig(**flags)) == kind


MIXED = 'bfloat16 and float32, mixed by the graph rewrite of TensorFlow'
LACKING = ('float32 (%s has no effect: the mixed modes of a CPU are allow_mix_precision and '
           'allow_mix_precision_bf16)')


@pytest.mark.parametrize('flags,obstacle,words', [
    (dict(precision_mode='allow_mix_precision'), '', MIXED),
    (dict(precision_mode='allow_mix_precision_bf16'), '', MIXED),
    (dict(precision_mode='allow_mix_precision'), 'it is old',
     'float32 (allow_mix_precision has no effect: it is old)'),
    (dict(precision_mode='force_fp16'), '', LACKING % 'force_fp16'),
    (dict(npu_options=['precision_mode_v2=mixed_float16']), '', LACKING % 'mixed_float16')])
def test_a_cpu_mixes_bfloat16_if_it_has_it_and_needs_no_loss_scaling(
        monkeypatch, flags, obstacle, words):
    monkeypatch.setattr(host_kernels, 'bfloat16_obstacle', lambda: obstacle)
    assert precision.describe(CPU, RuntimeConfig(**flags)) == (
        'precision: %s, loss scaling off' % words)


def test_cpu_and_gpu_keep_the_operations_of_an_npu_in_float32():
    operators = dict(row.split()[:2] for row in open(graph_audit.ALLOWED_OPS_FILE)
                     if not row.startswith('#'))
    with open(npu_options.FLOAT32_OPS_FILE) as stream:
        kept = {name.rstrip('D') for name in json.load(stream)['black-list']['to-add']}
    host = {operators.get(name, name) for name in host_kernels.FLOAT32_OPS}
    # An NPU's pools are float16 alone, its gather follows the type of what it gathers.
    assert host - kept == {'AvgPool', 'AvgPoolGrad', 'GatherV2', 'Inv'}
    assert kept <= host


@pytest.mark.parametrize('mode,is_told', [('allow_mix_precision', True), ('force_fp32', False)])
def test_the_rewrite_on_a_gpu_gets_the_float32_operations(mode, is_told, monkeypatch):
    changed = {'TF_AUTO_MIXED_PRECISION_GRAPH_REWRITE_' + change for change in (
        'INFERLIST_REMOVE', 'CLEARLIST_REMOVE', 'DENYLIST_ADD', 'GRAYLIST_REMOVE', 'BLACKLIST_ADD')}
    monkeypatch.setattr(os, 'environ', {})
    session_config(GPU, RuntimeConfig(device='gpu', precision_mode=mode))
    assert set(os.environ) == (changed if is_told else set())
    assert set(os.environ.values()) <= {','.join(host_kernels.FLOAT32_OPS)}


@pytest.mark.skipif(bool(host_kernels.bfloat16_obstacle()), reason='needs a CPU with bfloat16')
def test_a_mixed_session_rounds_products_to_bfloat16_and_no_coarser():
    rng = np.random.RandomState(0)
    with tf.Graph().as_default():
        images = tf.placeholder(tf.float32, [2, 32, 48, 16])
        features = images
        for _ in range(3):
            kernel = tf.constant(rng.standard_normal([3, 3, 16, 16]).astype(np.float32) / 12)
            features = tf.nn.relu(tf.nn.conv2d(features, kernel, [1, 1, 1, 1], 'SAME'))
        feed = {images: rng.uniform(-1, 1, images.shape.as_list())}
        found = []
        for mode in ('', 'allow_mix_precision'):
            config = RuntimeConfig(device='cpu', precision_mode=mode)
            with tf.Session(config=session_config(CPU, config)) as session:
                found.append(session.run(features, feed))
    error = np.abs(found[1] - found[0]).max() / np.abs(found[0]).max()
    assert 1e-4 < error < 0.03


def test_without_overflow_neither_scaling_nor_gradient_size_changes_a_loss(tmp_path):
    """Powers of two add no rounding, in float32 as in float16."""
    run_toy(tmp_path / 'plain', 8)
    for name, options in (('scaled', {}), ('divided', dict(gradient_size=1024.))):
        run_toy(tmp_path / name, 8, runtime=dict(SCALED, loss_scale='fixed'), **options)
        np.testing.assert_allclose(totals(tmp_path / name), totals(tmp_path / 'plain'), rtol=1e-6)


# A dynamic scale is halved twice at step 3 and not yet doubled after good steps.
@pytest.mark.parametrize('kind,scales', [
    ('dynamic', [1024.] * 3 + [256.] * 5), ('fixed', [1024.] * 8)])
def test_a_step_that_overflows_is_skipped_and_not_counted(tmp_path, capsys, kind, scales):
    run_toy(tmp_path, 8, model=kinked_model, data=zeros_at(3, 4),
            runtime=dict(SCALED, loss_scale=kind))
    rows = train_rows(tmp_path)
    assert [row['step'] for row in rows] == list(range(1, 9))
    assert rows[-1]['skipped_steps'] == 2
    assert [row['loss_scale'] for row in rows] == scales
    assert '| Loss scale: 1024' in capsys.readouterr().out


def test_a_resumed_run_has_the_scale_counters_and_data_of_an_uninterrupted_one(tmp_path):
    settings = dict(model=kinked_model, data=zeros_at(3, 11), runtime=SCALED)
    run_toy(tmp_path / 'whole', 17, **settings)
    run_toy(tmp_path / 'parts', 6, **settings)
    run_toy(tmp_path / 'parts', 17, **settings)
    parts, whole = ([(row['step'], row['total'], row['loss_scale'])
                     for row in train_rows(tmp_path / name)] for name in ('parts', 'whole'))
    assert parts == whole


def test_the_order_of_the_data_survives_the_end_of_loss_scaling(tmp_path):
    data = dict(model=kinked_model, data=zeros_at(1, 3))
    for name, stops in (('whole', [14]), ('parts', [9, 14])):
        run_toy(tmp_path / name, 6, runtime=SCALED, **data)
        for stop in stops:
            run_toy(tmp_path / name, stop, **data)
    assert losses_of(tmp_path / 'parts') == losses_of(tmp_path / 'whole')
    assert sum(row.get('skipped_steps', 0) for row in train_rows(tmp_path / 'whole'))


def test_a_checkpoint_with_loss_scaling_predicts(tmp_path, capsys):
    prefix = run_toy(tmp_path, 2, runtime=SCALED)['checkpoint']
    with tf.Graph().as_default(), tf.Session() as session:
        linear_model(tf.zeros([2, 4]), False)
        checkpoints.restore(session, prefix)
    said = capsys.readouterr().out
    assert 'loaded 2 variables' in said and 'not used' not in said


def test_endless_overflow_ends_the_run(tmp_path):
    with pytest.raises(UserError, match='steps in a row overflowed after step 2'):
        run_toy(tmp_path, 8, model=kinked_model, data=zeros_at(*range(2, 100)), runtime=SCALED)
