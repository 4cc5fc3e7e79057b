"""Runs geonet/main.py in this process on nets of the true shape and few weights."""
from unittest import mock

import pytest

from vo_common.errors import run_main

SIZE = ('--img_height=32', '--img_width=104')
ONE_THREAD = ('--device=cpu', '--intra_op_threads=1', '--inter_op_threads=1')
_STAGES = ((8, 1), (8, 1), (8, 1), (8, 1))


def geonet(mode, *arguments, **flags):
    """`main` with `--mode` and these flags; returns nothing, raises what it raises."""
    from geonet.main import main
    argv = ['--mode=' + mode, *ONE_THREAD, *arguments]
    argv += ['--%s=%s' % item for item in flags.items()]
    with few_weights():
        main(argv)


def few_weights():
    """Context in which nets are of the true shape and have few weights."""
    from geonet import encoder_decoder
    return mock.patch.object(encoder_decoder, '_RESNET_STAGES', _STAGES)


def geonet_fails(capsys, mode, *arguments, **flags):
    """What the program says as it ends with status 2 and without a traceback."""
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
