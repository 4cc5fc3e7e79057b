"""Computes how training scales from one device to many; measures nothing.

    python benchmarks/scaling.py                                    the table of docs/scaling.md
    python benchmarks/scaling.py --step_ms=100 --link_gb_per_s=30   with your own values

Formulas, for N devices and a step of t seconds on one:
    exchange   ring all-reduce: 2 (N - 1) / N * bytes of gradients / link rate + 2 (N - 1) * latency
    step       t + the part of the exchange that the backward pass does not hide
    efficiency t / step
    hours      examples of the recipe / (N * batch) * step
    cores      N * batch / step / examples per second that one core decodes and augments
    disk       N * batch / step * bytes per example
    card hours hours * N, and their price
"""
import dataclasses
import os
import sys
from typing import List

from tabulate import tabulate

if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from vo_common.errors import run_main  # noqa: E402
from vo_common.flags import Flags, flag, parse_flags  # noqa: E402


@dataclasses.dataclass
class ScalingConfig(Flags):
    """Assumptions."""
    devices: List[int] = flag([1, 2, 4, 8, 64, 512], 'numbers of devices', at_least=1)
    step_ms: float = flag(100., 'milliseconds per step of one device; for GeoNet, resnet50, batch '
                          '4: 100 published for an Ascend 910, 43 measured on an H100', above=0)
    batch_size: int = flag(4, 'examples per step of one device', at_least=1)
    recipe_steps: int = flag(350000, 'steps of the recipe on one device', at_least=1)
    recipe_batch: int = flag(4, 'examples per step of the recipe', at_least=1)
    parameters: float = flag(60.0e6, 'trained parameters; default: train_rigid with resnet50',
                             above=0)
    gradient_bytes: int = flag(4, 'bytes per gradient value on the link', at_least=1)
    link_gb_per_s: float = flag(12.5, 'gigabytes per second that a device sends: 12.5 is 100 Gbit '
                                'Ethernet', above=0)
    latency_us: float = flag(20., 'microseconds per hop', at_least=0)
    hidden: float = flag(0., 'fraction of a step that overlaps with the exchange: 0 to 0.6, about '
                         'the backward pass', at_least=0, at_most=1)
    core_examples: float = flag(300., 'examples per second that one core reads and augments, as '
                                'measured by benchmarks/benchmark.py --parts=input', above=0)
    example_kilobytes: float = flag(92., 'kilobytes per example on disk', above=0)
    card_hour_price: float = flag(2.5, 'price of an hour of one device, in your currency',
                                  at_least=0)


COLUMNS = (('devices', '%d'), ('exchange_ms', '%.2f'), ('step_ms', '%.1f'), ('efficiency', '%.2f'),
           ('examples_per_second', '%.0f'), ('hours', '%.2f'), ('cores', '%.1f'),
           ('disk_mb_per_s', '%.0f'), ('card_hours', '%.1f'), ('price', '%.0f'))


def row(config, devices):
    """The row of the table for a number of devices: dict, name of COLUMNS -> number."""
    gigabytes = config.parameters * config.gradient_bytes / 1e9
    exchange = (2 * (devices - 1) / devices * gigabytes / config.link_gb_per_s
                + 2 * (devices - 1) * config.latency_us * 1e-6)
    alone = config.step_ms / 1e3
    step = alone + max(0., exchange - config.hidden * alone)
    examples = devices * config.batch_size / step
    hours = config.recipe_steps * config.recipe_batch / examples / 3600
    return {'devices': devices, 'exchange_ms': 1e3 * exchange, 'step_ms': 1e3 * step,
            'efficiency': alone / step, 'examples_per_second': examples, 'hours': hours,
            'cores': examples / config.core_examples,
            'disk_mb_per_s': examples * config.example_kilobytes / 1e3,
            'card_hours': hours * devices, 'price': hours * devices * config.card_hour_price}


def main(argv=None):
    config, = parse_flags(__doc__, ScalingConfig, argv=argv)
    rows = [row(config, devices) for devices in config.devices]
    print('computed, not measured, from:')
    for field in dataclasses.fields(config):
        if field.name != 'devices':
            print('  --%s=%s  %s' % (field.name, getattr(config, field.name),
                                     field.metadata['help']))
    # As a Markdown table.
    print(tabulate([[form % values[name] for name, form in COLUMNS] for values in rows],
                   [name.replace('_', ' ') for name, _ in COLUMNS], tablefmt='github',
                   disable_numparse=True))


if __name__ == '__main__':
    run_main(main)
