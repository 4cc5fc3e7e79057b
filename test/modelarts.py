"""Passes the arguments of ModelArts to a shell wrapper; used by both entries."""
import argparse
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def run_wrapper(script, argv=None):
    """Replaces this process by a wrapper in this folder, which handles signals and exit status.

    Args:
      script: file name of the wrapper.
      argv: `--data_url`, `--train_url` and flags of the wrapper; None for those of the process.
    """
    parser = argparse.ArgumentParser(description='ModelArts entry of %s' % script,
                                     allow_abbrev=False)
    parser.add_argument('--data_url', default='/home/ma-user/modelarts/inputs/data_url_0',
                        help='folder of the data')
    parser.add_argument('--train_url', default='/home/ma-user/modelarts/outputs/train_url_0',
                        help='folder that the platform keeps')
    arguments, others = parser.parse_known_args(argv)
    environment = dict(os.environ, MODELARTS_MODEL_PATH=arguments.train_url, PYTHON=sys.executable)
    os.execvpe('bash', ['bash', os.path.join(HERE, script), '--data_path=' + arguments.data_url,
                        '--output_path=' + arguments.train_url] + others, environment)
