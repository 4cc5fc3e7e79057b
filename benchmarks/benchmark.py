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
import os
import subprocess
import sys
import tempfile

if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from benchmarks.config import BenchmarkConfig  # noqa: E402
from npu_runtime.engine import start_tensorflow  # noqa: E402
from vo_common.errors import UserError, run_main  # noqa: E402
from vo_common.files import read_json, write_json  # noqa: E402
from vo_common.flags import parse_flags  # noqa: E402


def main(argv=None):
    config, = parse_flags(__doc__, BenchmarkConfig, argv=argv)
    if config.inside:
        measure(config)
        return
    flags = sys.argv[1:] if argv is None else list(argv)
    results = {}
    with tempfile.TemporaryDirectory() as work:
        if {'input', 'predict'} & set(config.parts) and not config.data_path:
            flags = flags + ['--data_path=' + render_sequence(work, config.camera)]
        for part in config.parts:
            for mode in config.modes if part == 'step' else ['float32']:
                name = '%s_%s' % (part, mode) if part == 'step' else part
                results[name] = measured(config, flags, part, mode,
                                         os.path.join(work, name + '.json'))
                show(name, results[name])
    compare_with_input(results)
    if config.output:
        write_json(os.path.abspath(config.output), results)


def measured(config, flags, part, mode, path):
    """The results of a part; a part with its own process writes them to the file `path`."""
    if part == 'engines':
        from benchmarks import engines
        return engines.measure(config, flags)
    if part == 'ranks':
        from benchmarks import ranks
        return ranks.measure(config)
    command = [sys.executable, os.path.abspath(__file__)] + flags + [
        '--inside=' + part, '--inside_mode=' + mode, '--output=' + path]
    code = subprocess.run(command).returncode
    if code:
        raise UserError('part %s in mode %s ended with status %d (see its message above; --modes '
                        'and --parts choose others)' % (part, mode, code))
    return read_json(path)


def measure(config):
    """Runs the part `config.inside` in this process."""
    start_tensorflow()
    if config.inside == 'engines':
        from benchmarks import engines
        engines.take_steps(config)
    elif config.inside == 'step':
        from benchmarks import steps
        write_json(config.output, steps.measure(config))
    elif config.inside == 'predict':
        from benchmarks import predicting
        write_json(config.output, predicting.measure(config))
    else:
        from benchmarks import inputs
        write_json(config.output, inputs.measure(config))


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


def render_sequence(folder, camera):
    """Renders a short synthetic sequence of KITTI's size and returns the odometry folder."""
    from kitti_data.rendering.synthetic import synthetic_dataset
    print('rendering a sequence of 24 frames', flush=True)
    root = os.path.join(folder, 'kitti')
    synthetic_dataset(root, ('00',), num_frames=24, img_height=376, img_width=1241,
                      cameras=(camera,), num_workers=0)
    return root


if __name__ == '__main__':
    run_main(main)
