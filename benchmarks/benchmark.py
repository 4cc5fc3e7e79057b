"""Measures the speed and memory use of this repository on this machine.

    python benchmarks/benchmark.py                       GeoNet: training step, input pipeline
    python benchmarks/benchmark.py --parts=step --encoder=vgg --modes=float32,mixed
    python benchmarks/benchmark.py --parts=step,input --device=gpu
    python benchmarks/benchmark.py --model=convlstm_vo --camera=0
    python benchmarks/benchmark.py --parts=predict --flownet_type=direct
    python benchmarks/benchmark.py --parts=engines --pythons=A/bin/python,B/bin/python
    python benchmarks/benchmark.py --parts=ranks --np=2

Each part, and each mode of a step, runs in its own process to report its own peak memory. Without
`--data_path`, a synthetic sequence of KITTI's size is rendered into a temporary folder.
"""
import dataclasses
import importlib
import multiprocessing
import os
import sys
import tempfile

if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from benchmarks.config import PARTS, BenchmarkConfig  # noqa: E402
from kitti_data.rendering.synthetic import synthetic_dataset  # noqa: E402
from npu_runtime.engine import start_tensorflow  # noqa: E402
from vo_common.errors import UserError, run_main  # noqa: E402
from vo_common.files import write_json  # noqa: E402
from vo_common.flags import parse_flags  # noqa: E402

_STARTS_PROCESSES = ('engines', 'ranks')  # which import TensorFlow


def main(argv=None):
    config, = parse_flags(__doc__, BenchmarkConfig, argv=argv)
    if config.take_steps:
        start_tensorflow()
        _module('engines').take_steps(config)
        return
    results = {}
    with tempfile.TemporaryDirectory() as work:
        if {'input', 'predict'} & set(config.parts) and not config.data_path:
            config.data_path = work
            print('rendering a sequence of 24 frames', flush=True)
            synthetic_dataset(work, ('00',), num_frames=24, img_height=376, img_width=1241,
                              cameras=(config.camera,), num_workers=0)
        for part in config.parts:
            for mode in config.modes if part == 'step' else [None]:
                name = 'step_' + mode if mode else part
                modes = [mode] if mode else config.modes
                results[name] = measured(part, dataclasses.replace(config, modes=modes))
                show(name, results[name])
    compare_with_input(results)
    if config.output:
        write_json(os.path.abspath(config.output), results)


def measured(part, config):
    """The results of a part: a dict."""
    if part in _STARTS_PROCESSES:
        return _module(part).measure(config)
    spawn = multiprocessing.get_context('spawn')  # a forked process can hang with TensorFlow
    receiver, sender = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_measure, args=(part, config, sender), daemon=True)
    process.start()
    sender.close()  # so that the pipe closes when the process ends
    try:
        return receiver.recv()
    except EOFError:
        process.join()
        raise UserError('part %s with --modes=%s ended with status %d (see its message above; '
                        '--modes and --parts choose others)' % (
                            part, ','.join(config.modes), process.exitcode)) from None


def _measure(part, config, sender):
    def measure():
        start_tensorflow()
        sender.send(_module(part).measure(config))
    run_main(measure)


def _module(part):
    return importlib.import_module('benchmarks.' + PARTS[part])


def show(name, results):
    """Prints the results of a part."""
    print(name)
    for key, value in results.items():
        if isinstance(value, dict):
            value = '  '.join('%s %.4g' % pair for pair in value.items())
        print('  %-36s %s' % (key, '%.4g' % value if isinstance(value, float) else value))
    sys.stdout.flush()


def compare_with_input(results):
    """Prints whether the input pipeline keeps up with the fastest step of the same run."""
    steps = {name: part['examples_per_second'] for name, part in results.items()
             if name.startswith('step_')}
    delivered = results.get('input', {})
    delivered = delivered.get('augmented_per_second', delivered.get('windows_per_second'))
    if steps and delivered:
        fastest = max(steps, key=steps.get)
        print('the input pipeline delivers %.4g examples/s, %s takes %.4g: %.2f times as many'
              % (delivered, fastest, steps[fastest], delivered / steps[fastest]))


if __name__ == '__main__':
    run_main(main)
