"""Prints the result of a wrapper in test/, from metrics.jsonl, and writes its result files."""
import dataclasses
import os
import statistics
import sys

if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from npu_runtime.training.metrics import read_metrics
from vo_common.errors import UserError, run_main
from vo_common.files import make_folder, read_json, write_text
from vo_common.flags import Flags, flag, parse_flags, path_flag


@dataclasses.dataclass
class ReportConfig(Flags):
    """Report."""
    metrics: str = path_flag('', 'metrics.jsonl of the run')
    network: str = flag('', 'name of the network')
    batch_size: int = flag(1, 'examples per step and card')
    rank_size: int = flag(1, 'cards')
    kind: str = flag('acc', 'full accuracy or performance', choices=('acc', 'perf'))
    results_dir: str = path_flag('', 'folder of the result files')
    e2e_seconds: float = flag(0.0, 'duration of the whole case')
    accuracy_file: str = path_flag('', 'JSON of the evaluation; empty for none')
    accuracy_key: str = flag('ate_mean', 'key of the accuracy, with dots between levels')


def training_rows(path):
    """The training rows of a metrics file, a list for each time that the run started or resumed.

    Raises:
      UserError: there are none, or a row lacks its loss or time.
    """
    parts = [[]]
    for row in read_metrics(path):
        if row['event'] == 'train':
            parts[-1].append(row)
        elif row['event'] == 'resume':
            parts.append([])
    parts = [rows for rows in parts if rows]
    if not parts:
        raise UserError('%s: found no training step, must contain one (--log_freq=1 logs each)'
                        % path)
    for row in sum(parts, []):
        for key in ('total', 'seconds_per_step'):
            value = row.get(key)
            if not isinstance(value, (int, float)) or key == 'seconds_per_step' and not value > 0:
                raise UserError('%s: step %s: found %s %r, must be a number%s' % (
                    path, row['step'], key, value, '' if key == 'total' else ' above 0'))
    return parts


def read_accuracy(path, key):
    """The number at `key`, with dots between levels, in the JSON file `path`."""
    value = read_json(path)
    for name in key.split('.'):
        if not isinstance(value, dict) or name not in value:
            raise UserError('%s: found no %s' % (path, key))
        value = value[name]
    if not isinstance(value, (int, float)):
        raise UserError('%s: found %s %r, must be a number' % (path, key, value))
    return value


def summarise(config):
    """(dict of the fields of the result file, in order; list of losses) of a finished case."""
    parts = training_rows(config.metrics)
    rows, latest = sum(parts, []), parts[-1]
    steady = latest[1:] or latest  # the first interval contains the compilation
    seconds = statistics.median(row['seconds_per_step'] for row in steady)
    images = config.batch_size * config.rank_size
    trained = {round(row['examples_per_second'] * row['seconds_per_step']) for row in steady
               if isinstance(row.get('examples_per_second'), (int, float))}
    if trained - {images}:
        raise UserError('%s: has steps of %s examples, must have steps of %d (--batch_size=%d, %d '
                        'cards); give another --output_path' % (
                            config.metrics, ', '.join(map(str, sorted(trained))), images,
                            config.batch_size, config.rank_size))
    case = '%s_bs%d_%dp_%s' % (config.network, config.batch_size, config.rank_size, config.kind)
    fields = {
        'Network': config.network,
        'RankSize': config.rank_size,
        'BatchSize': config.batch_size,
        'DeviceType': os.uname().machine,
        'CaseName': case,
        'ActualFPS': '%.2f' % (images / seconds),
        'TrainingTime': '%.2f' % (seconds * 1000),
        'ActualLoss': repr(rows[-1]['total']),
        'E2ETrainingTime': '%.0f' % config.e2e_seconds,
        'TrainAccuracy': ('%.4f' % read_accuracy(config.accuracy_file, config.accuracy_key)
                          if config.accuracy_file else 'none'),
    }
    return fields, [row['total'] for row in rows]


def main(argv=None):
    config, = parse_flags(__doc__, ReportConfig, argv=argv)
    config.require(metrics='the metrics.jsonl of a run', results_dir='a folder')
    folder = make_folder(config.results_dir)
    fields, losses = summarise(config)
    write_text(os.path.join(folder, fields['CaseName'] + '.log'),
               ''.join('%s = %s\n' % item for item in fields.items()))
    write_text(os.path.join(folder, fields['CaseName'] + '_loss.txt'),
               ''.join('%r\n' % loss for loss in losses))
    print('------------------ Final result ------------------')
    print('Final Performance images/sec : %s' % fields['ActualFPS'])
    print('Final Performance sec/step : %.4f' % (float(fields['TrainingTime']) / 1000))
    print('E2E Training Duration sec : %s' % fields['E2ETrainingTime'])
    print('Final Train Accuracy : %s' % fields['TrainAccuracy'])


if __name__ == '__main__':
    run_main(main)
