#!/usr/bin/env bash
# Optical flow from images alone (the paper's DirFlowNetS), tested on KITTI 2015.
#
#   bash scripts/recipes/flow_direct.sh RAW KITTI_2015 OUTPUT [more training flags]
#
# RAW         KITTI raw, unpacked (scripts/prepare.py raw)
# KITTI_2015  KITTI 2015 with its multi-view images, unpacked (scripts/prepare.py kitti2015)
# OUTPUT      formatted set, run, predictions, evaluation
#
# Expected:  row DirFlowNetS of the table in the source: better than the 8.05 px of residual flow on
#            non-occluded pixels, worse than its 10.81 px on all pixels (section 4.3)
# Source:    GeoNet, arXiv 1803.02276, table 2; steps: the authors' published training command
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
python=${PYTHON:-$root/.venv/bin/python}
raw=${1:?must be: RAW KITTI_2015 OUTPUT} truth=${2:?must be: RAW KITTI_2015 OUTPUT}
out=${3:?must be: RAW KITTI_2015 OUTPUT}
shift 3

"$python" "$root/kitti_data/preparation/prepare_train_data.py" --dataset_name=kitti_raw_stereo \
  --dataset_dir="$raw" --dump_root="$out/formatted" --seq_length=3
"$python" "$root/geonet/main.py" --mode=train_flow --flownet_type=direct \
  --dataset_dir="$out/formatted" --checkpoint_dir="$out/flow" --learning_rate=0.0002 \
  --seq_length=3 --batch_size=4 --max_steps=400000 "$@"
"$python" "$root/geonet/main.py" --mode=test_flow --dataset_dir="$truth" \
  --init_ckpt_file="$out/flow" --output_dir="$out/predictions"
"$python" "$root/kitti_eval/eval_flow.py" --dataset_dir="$truth" --pred_dir="$out/predictions" \
  --train_list="$out/formatted/train.txt"
