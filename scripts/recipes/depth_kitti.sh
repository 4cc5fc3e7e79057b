#!/usr/bin/env bash
# GeoNet depth, trained only on KITTI, with the ResNet50 encoder.
#
#   bash scripts/recipes/depth_kitti.sh RAW TEST_LIST OUTPUT [more training flags]
#
# RAW        KITTI raw, unpacked (scripts/prepare.py raw)
# TEST_LIST  Eigen's 697 test images, one per line, relative to RAW
# OUTPUT     formatted set, run, predictions, evaluation
#
# Expected:  abs_rel 0.155, sq_rel 1.296, rmse 5.857, rmse_log 0.233, a1 0.793 (depths to 80 m)
# Source:    GeoNet, arXiv 1803.02276, table 1, ResNet trained on K; steps and flags: the authors'
#            published training command
# Effort:    about 30 epochs on one TitanXP (the paper, section 4.1, which gives no hours)
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../shell.sh"
take_arguments 'RAW TEST_LIST OUTPUT' "$@"
shift 3

"$python" "$root/kitti_data/preparation/prepare_train_data.py" --dataset_name=kitti_raw_eigen \
  --dataset_dir="$raw" --dump_root="$output/formatted" --seq_length=3 --remove_static
"$python" "$root/geonet/main.py" --mode=train_rigid --dataset_dir="$output/formatted" \
  --checkpoint_dir="$output/run" --learning_rate=0.0002 --seq_length=3 --batch_size=4 \
  --max_steps=350000 "$@"
"$python" "$root/geonet/main.py" --mode=test_depth --dataset_dir="$raw" \
  --test_file_list="$test_list" --init_ckpt_file="$output/run" --output_dir="$output/depth"
predicted=$(ls -t "$output"/depth/*.npy | head -n 1)
"$python" "$root/kitti_eval/eval_depth.py" --split=eigen --kitti_dir="$raw" \
  --test_file_list="$test_list" --train_list="$output/formatted/train.txt" \
  --pred_file="$predicted"
