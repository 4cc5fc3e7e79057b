"""What the ModelArts entries share: the platform's arguments become those of a shell wrapper."""
import argparse
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def run_wrapper(script, argv=None):
    """Becomes a wrapper of this folder, so that signals and the exit status are the wrapper's.

    Args:
      script: file name of the wrapper.
      argv: `--data_url`, `--train_url` and any flag of the wrapper, which is passed on; None
        takes the process's.
    """
    parser = argparse.ArgumentParser(description='ModelArts entry of %s' % script,
                                     allow_abbrev=False)
    parser.add_argument('--data_url', default='/home/ma-user/modelarts/inputs/data_url_0',
                        help='folder the platform put the data in')
    parser.add_argument('--train_url', default='/home/ma-user/modelarts/outputs/train_url_0',
                        help='folder whose contents the platform keeps')
    arguments, others = parser.parse_known_args(argv)
    environment = dict(os.environ, MODELARTS_MODEL_PATH=arguments.train_url, PYTHON=sys.executable)
    os.execvpe('bash', ['bash', os.path.join(HERE, script), '--data_path=' + arguments.data_url,
                        '--output_path=' + arguments.train_url] + others, environment)
