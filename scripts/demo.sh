#!/usr/bin/env bash
# Renders a small synthetic KITTI, trains GeoNet on it, predicts, evaluates and draws.
# Everything lands in demo/; a second run starts afresh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=${PYTHON:-.venv/bin/python}
out=demo
steps=${DEMO_STEPS:-600}
size=(--img_height=64 --img_width=208)

say() { printf '\n== %s\n' "$*"; }

rm -rf "$out"
mkdir -p "$out"

say 'a small world, rendered into the KITTI odometry layout'
"$python" kitti_data/synthetic.py --output_dir="$out/kitti" --sequences=0,1,2,9 \
  --num_frames=120 "${size[@]}"

say 'the formatted training set'
"$python" kitti_data/prepare_train_data.py --dataset_name=kitti_odom \
  --dataset_dir="$out/kitti" --dump_root="$out/formatted" --sequences=0,1,2 "${size[@]}"

say "training depth and pose for $steps steps"
"$python" geonet/main.py --mode=train_rigid --dataset_dir="$out/formatted" \
  --checkpoint_dir="$out/run" --dispnet_encoder=vgg --max_steps="$steps" --log_freq=50 \
  "${size[@]}"

say 'predicting depth and pose of a sequence that was never trained on'
"$python" geonet/main.py --mode=test_depth --dataset_dir="$out/kitti" --pose_test_seq=9 \
  --init_ckpt_file="$out/run" --dispnet_encoder=vgg --output_dir="$out/depth" --pictures \
  "${size[@]}"
"$python" geonet/main.py --mode=test_pose --dataset_dir="$out/kitti" --pose_test_seq=9 \
  --init_ckpt_file="$out/run" --dispnet_encoder=vgg --output_dir="$out/pose" "${size[@]}"

say 'evaluating'
"$python" kitti_eval/eval_pose.py --pred_dir="$out/pose" --gtruth_poses="$out/kitti/poses/09.txt" \
  --times="$out/kitti/sequences/09/times.txt" \
  --baseline_poses="$out/kitti/poses/00.txt,$out/kitti/poses/01.txt,$out/kitti/poses/02.txt" --plot
