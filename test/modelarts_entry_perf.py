"""ModelArts entry for the performance run; takes --data_url, --train_url, wrapper flags."""
from modelarts import run_wrapper

if __name__ == '__main__':
    run_wrapper('train_performance_1p.sh')
