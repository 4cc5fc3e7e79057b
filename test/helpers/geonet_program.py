"""Runs geonet/main.py in this process on nets of the real structure with few weights."""
from unittest import mock

import pytest

from vo_common.errors import run_main

SIZE = ('--img_height=32', '--img_width=104')
ONE_THREAD = ('--device=cpu', '--intra_op_threads=1', '--inter_op_threads=1')
_STAGES = ((8, 1), (8, 1), (8, 1), (8, 1))


def geonet(mode, *arguments, **flags):
    """Runs `main` with `--mode` and these flags."""
    from geonet.main import main
    argv = ['--mode=' + mode, *ONE_THREAD, *arguments]
    argv += ['--%s=%s' % item for item in flags.items()]
    with few_weights():
        main(argv)


def few_weights():
    """Context in which nets have the real structure and few weights."""
    from geonet import encoder_decoder
    return mock.patch.object(encoder_decoder, '_RESNET_STAGES', _STAGES)


def geonet_fails(capsys, mode, *arguments, **flags):
    """Runs the program, which must exit with status 2 without traceback; returns its stderr."""
    with pytest.raises(SystemExit) as ended:
        run_main(lambda: geonet(mode, *arguments, **flags))
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert 'Traceback' not in said
    return said


def train_rigid(formatted, folder, steps, *arguments, **flags):
    """A short run of train_rigid on the set `formatted`."""
    geonet('train_rigid', *SIZE, *arguments, dataset_dir=formatted, checkpoint_dir=folder,
           max_steps=steps, batch_size=2, log_freq=1, **flags)
