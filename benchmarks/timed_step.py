"""The figures of a training step."""
import statistics

from benchmarks.config import examples_a_step
from benchmarks.measuring import peak_device_gigabytes, peak_gigabytes
from benchmarks.steps import Step

_WARM_UP = 2


def timed(config, dataset=None):
    """Runs `config.steps` steps in mode `config.inside_mode` and says how fast they were.

    Args:
      config: BenchmarkConfig.
      dataset: see `steps.Step`.

    Returns:
      dict of figures; the medians of the steps after the first ones, which compile and allocate.
    """
    step = Step(config, config.inside_mode, dataset)
    first, _ = step.run()
    for _ in range(_WARM_UP - 1):
        step.run()
    seconds, cpu_seconds = [statistics.median(values) for values in
                            zip(*(step.run() for _ in range(config.steps)))]
    figures = {
        'build_seconds': step.build_seconds, 'nodes': step.nodes, 'first_step_seconds': first,
        'milliseconds_per_step': 1e3 * seconds, 'cpu_seconds_per_step': cpu_seconds,
        'examples_per_second': examples_a_step(config) / seconds,
        'gigaflop_per_step': step.flops / 1e9,
        'teraflop_per_second': step.flops / seconds / 1e12, 'peak_gigabytes': peak_gigabytes()}
    on_device = peak_device_gigabytes()
    return figures if on_device is None else dict(figures, peak_device_gigabytes=on_device)
