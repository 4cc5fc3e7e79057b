#!/usr/bin/env bash
# Optical flow from images alone, tested on KITTI 2015.
#
#   bash scripts/recipes/flow.sh KIND RAW KITTI_2015 OUTPUT [more training flags of flow]
#
# KIND        residual: GeoNet's, depth and pose first, then the residual on top of rigid flow;
#             direct: the paper's DirFlowNetS
# RAW         KITTI raw, unpacked (scripts/prepare.py raw)
# KITTI_2015  KITTI 2015 with its multi-view images, unpacked (scripts/prepare.py kitti2015)
# OUTPUT      formatted set, runs, predictions, evaluation
#
# Expected:  residual: EPE 8.05 px on non-occluded pixels (noc), 10.81 px on all pixels (occ);
#            direct: row DirFlowNetS of the table in the source: better than the 8.05 px of residual
#            flow on non-occluded pixels, worse than its 10.81 px on all pixels (section 4.3)
# Source:    GeoNet, arXiv 1803.02276, table 2; steps: the authors' published training commands
# Effort:    residual: about 30 epochs, then 200, on one TitanXP (the paper, section 4.1); the
#            authors recommend more steps if these are fewer than 200 epochs
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../shell.sh"
take_arguments 'KIND RAW KITTI_2015 OUTPUT' "$@"
shift 4
[[ "$kind" =~ ^(residual|direct)$ ]] || fail "KIND=$kind: must be residual or direct"

"$python" "$root/kitti_data/preparation/prepare_train_data.py" --dataset_name=kitti_raw_stereo \
  --dataset_dir="$raw" --dump_root="$output/formatted" --seq_length=3
if [ "$kind" = residual ]; then
  "$python" "$root/geonet/main.py" --mode=train_rigid --dataset_dir="$output/formatted" \
    --checkpoint_dir="$output/rigid" --learning_rate=0.0002 --seq_length=3 --batch_size=4 \
    --max_steps=350000
  set -- --init_ckpt_file="$output/rigid" "$@"
fi
"$python" "$root/geonet/main.py" --mode=train_flow --flownet_type="$kind" \
  --dataset_dir="$output/formatted" --checkpoint_dir="$output/flow" --learning_rate=0.0002 \
  --seq_length=3 --batch_size=4 --max_steps=400000 "$@"
"$python" "$root/geonet/main.py" --mode=test_flow --dataset_dir="$kitti_2015" \
  --init_ckpt_file="$output/flow" --output_dir="$output/predictions"
"$python" "$root/kitti_eval/eval_flow.py" --dataset_dir="$kitti_2015" --pred_dir="$output/predictions" \
  --train_list="$output/formatted/train.txt"
