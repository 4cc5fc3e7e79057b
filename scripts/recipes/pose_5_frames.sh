#!/usr/bin/env bash
# GeoNet pose on 5-frame snippets, trained on odometry 00-08, tested on 09 and 10.
#
#   bash scripts/recipes/pose_5_frames.sh ODOMETRY OUTPUT [more training flags]
#
# ODOMETRY   KITTI odometry, unpacked (scripts/prepare_odometry.sh)
# OUTPUT     formatted set, run, predictions, evaluation
#
# Expected:  5-frame ATE 0.012 +- 0.007 m on 09, 0.012 +- 0.009 m on 10
#            (constant motion: 0.0323 +- 0.0260 and 0.0237 +- 0.0234)
# Source:    GeoNet, arXiv 1803.02276, table 3; steps: the authors' published training command
# Effort:    about 30 epochs on one TitanXP (the paper, section 4.1, which gives no hours)
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../shell.sh"
take_arguments 'ODOMETRY OUTPUT' "$@"
shift 2

"$python" "$root/kitti_data/preparation/prepare_train_data.py" --dataset_name=kitti_odom \
  --dataset_dir="$odometry" --dump_root="$output/formatted" --seq_length=5
"$python" "$root/geonet/main.py" --mode=train_rigid --dataset_dir="$output/formatted" \
  --checkpoint_dir="$output/run" --learning_rate=0.0002 --seq_length=5 --batch_size=4 \
  --max_steps=350000 "$@"
for sequence in 09 10; do
  "$python" "$root/geonet/main.py" --mode=test_pose --dataset_dir="$odometry" \
    --pose_test_seq="$sequence" --init_ckpt_file="$output/run" --output_dir="$output/pose_$sequence"
  "$python" "$root/kitti_eval/eval_pose.py" --pred_dir="$output/pose_$sequence" \
    --gtruth_poses="$odometry/poses/$sequence.txt" --train_list="$output/formatted/train.txt"
done
