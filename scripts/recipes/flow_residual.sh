#!/usr/bin/env bash
# GeoNet's optical flow: depth and pose first, then the residual on top of rigid flow.
#
#   bash scripts/recipes/flow_residual.sh RAW KITTI_2015 OUTPUT [more flags of the second stage]
#
# RAW         KITTI raw, unpacked (scripts/prepare.py raw)
# KITTI_2015  KITTI 2015 with its multi-view images, unpacked (scripts/prepare.py kitti2015)
# OUTPUT      formatted set, both runs, predictions, evaluation
#
# Expected:  EPE 8.05 px on non-occluded pixels (noc), 10.81 px on all pixels (occ)
# Source:    GeoNet, arXiv 1803.02276, table 2; steps: the authors' published training commands
# Effort:    about 30 epochs, then 200, on one TitanXP (the paper, section 4.1); the authors
#            recommend more steps if these are fewer than 200 epochs
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
python=${PYTHON:-$root/.venv/bin/python}
raw=${1:?must be: RAW KITTI_2015 OUTPUT} truth=${2:?must be: RAW KITTI_2015 OUTPUT}
out=${3:?must be: RAW KITTI_2015 OUTPUT}
shift 3

"$python" "$root/kitti_data/preparation/prepare_train_data.py" --dataset_name=kitti_raw_stereo \
  --dataset_dir="$raw" --dump_root="$out/formatted" --seq_length=3
"$python" "$root/geonet/main.py" --mode=train_rigid --dataset_dir="$out/formatted" \
  --checkpoint_dir="$out/rigid" --learning_rate=0.0002 --seq_length=3 --batch_size=4 \
  --max_steps=350000
"$python" "$root/geonet/main.py" --mode=train_flow --flownet_type=residual \
  --init_ckpt_file="$out/rigid" --dataset_dir="$out/formatted" --checkpoint_dir="$out/flow" \
  --learning_rate=0.0002 --seq_length=3 --batch_size=4 --max_steps=400000 "$@"
"$python" "$root/geonet/main.py" --mode=test_flow --dataset_dir="$truth" \
  --init_ckpt_file="$out/flow" --output_dir="$out/predictions"
"$python" "$root/kitti_eval/eval_flow.py" --dataset_dir="$truth" --pred_dir="$out/predictions" \
  --train_list="$out/formatted/train.txt"
