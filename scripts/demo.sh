#!/usr/bin/env bash
# Renders a small synthetic KITTI, trains GeoNet on it, predicts, evaluates and draws.
# Everything lands in demo/; a second run starts afresh. A few minutes on two cores: enough to see
# every program at work, not enough for good depth and pose (make learn trains longer).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/shell.sh
python=${PYTHON:-${VENV:-.venv}/bin/python}
command -v "$python" >/dev/null || fail "no interpreter $python (make env makes it)"
out=demo
steps=${DEMO_STEPS:-420}
size=(--img_height=32 --img_width=104)

say() { printf '\n== %s\n' "$*"; }
export TF_CPP_MIN_LOG_LEVEL=2

rm -rf "$out"
mkdir -p "$out"

say 'a small world, rendered into the KITTI odometry layout'
"$python" kitti_data/rendering/synthetic.py --output_dir="$out/kitti" --sequences=0,1,2,3,9 \
  --num_frames=150 --min_speed=0.5 --max_speed=1.8 "${size[@]}"

say 'the formatted training set'
"$python" kitti_data/preparation/prepare_train_data.py --dataset_name=kitti_odom \
  --dataset_dir="$out/kitti" --dump_root="$out/formatted" --sequences=0,1,2,3 "${size[@]}"

train() {
  "$python" geonet/main.py --mode=train_rigid --dataset_dir="$out/formatted" \
    --checkpoint_dir="$out/run" --dispnet_encoder=vgg --batch_norm_decay=0.98 \
    --initial_disparity=1 --learning_rate=0.0005 --seed=1 \
    --noaugment_gamma --noaugment_brightness --noaugment_colour --log_freq=50 "${size[@]}" "$@"
}
say "training depth and pose for $steps steps, the second half with batch norm frozen"
train --max_steps=$((steps / 2))
train --max_steps="$steps" --freeze_batch_norm

say 'predicting depth and pose of a drive that was never trained on, the mean with mirror images'
"$python" geonet/main.py --mode=test_depth --dataset_dir="$out/kitti" --pose_test_seq=9 \
  --init_ckpt_file="$out/run" --output_dir="$out/depth" --flip_average --pictures
"$python" geonet/main.py --mode=test_pose --dataset_dir="$out/kitti" --pose_test_seq=9 \
  --init_ckpt_file="$out/run" --output_dir="$out/pose" --flip_average

say 'depth against the exact one'
"$python" kitti_eval/eval_depth.py --split=synthetic --kitti_dir="$out/kitti" --sequence=9 \
  --pred_file="$out/depth/model-$steps.npy" --plot --num_plots=5

say 'pose against the exact one'
poses=$out/kitti/poses
"$python" kitti_eval/eval_pose.py --pred_dir="$out/pose" --gtruth_poses="$poses/09.txt" --plot \
  --baseline_poses="$poses/00.txt,$poses/01.txt,$poses/02.txt,$poses/03.txt"

say 'look at'
echo "depth pictures: $out/depth/model-$steps/000075.png, $out/depth/model-${steps}_depth/"
echo "trajectory:     $out/pose/eval_pose.png"
