"""Runs geonet/main.py in this process on nets of the real structure with few weights."""
import contextlib
from unittest import mock

from repository import fails

SIZE = ('--img_height=32', '--img_width=104')
ONE_THREAD = ('--device=cpu', '--intra_op_threads=1', '--inter_op_threads=1')
# The structure of ResNet with few weights: checkpoints of 40 MB instead of 700.
STAGES = ((8, 1), (8, 1), (8, 1), (8, 1))


def geonet(mode, *arguments, **flags):
    """Runs `main` with `--mode` and these flags."""
    from geonet.main import main
    argv = ['--mode=' + mode, *ONE_THREAD, *arguments]
    argv += ['--%s=%s' % item for item in flags.items()]
    with few_weights():
        main(argv)


@contextlib.contextmanager
def few_weights():
    """Context in which nets have the real structure and few weights, and graphs are not rewritten.

    A graph that runs a few times takes longer to optimise than to run: 30 % of a short training.
    """
    from geonet import encoder_decoder
    from npu_runtime.devices import cpu
    configure = cpu.configure

    def configure_without_rewrites(proto, config, ranks):
        configure(proto, config, ranks)
        proto.graph_options.rewrite_options.disable_meta_optimizer = True

    with mock.patch.object(encoder_decoder, '_RESNET_STAGES', STAGES), \
            mock.patch.object(cpu, 'configure', configure_without_rewrites):
        yield


def geonet_fails(capsys, mode, *arguments, **flags):
    """Runs the program, which must exit with status 2 without traceback; returns its stderr."""
    return fails(capsys, lambda: geonet(mode, *arguments, **flags))


def train_rigid(formatted, folder, steps, *arguments, **flags):
    """A short run of train_rigid on the set `formatted`."""
    geonet('train_rigid', *SIZE, *arguments, dataset_dir=formatted, checkpoint_dir=folder,
           max_steps=steps, batch_size=2, log_freq=1, **flags)
