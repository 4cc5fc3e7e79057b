"""ModelArts entry for the full-accuracy run; takes --data_url, --train_url, wrapper flags."""
from modelarts import run_wrapper

if __name__ == '__main__':
    run_wrapper('train_full_1p.sh')
