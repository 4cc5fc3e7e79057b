"""ModelArts entry of the full-accuracy run: --data_url, --train_url, the wrapper's flags."""
from modelarts import run_wrapper

if __name__ == '__main__':
    run_wrapper('train_full_1p.sh')
