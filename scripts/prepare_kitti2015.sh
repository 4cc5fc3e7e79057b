#!/usr/bin/env bash
# Unpacks the archives of KITTI 2015 and formats snippets for test_flow.
#
#   bash scripts/prepare_kitti2015.sh ARCHIVES DATA FORMATTED [more flags]
#
# ARCHIVES   folder with data_scene_flow.zip (truth), data_scene_flow_multiview.zip (frames before
#            and after) and data_scene_flow_calib.zip
# DATA       folder to unpack to, for training/, which eval_flow.py and eval_depth.py read
# FORMATTED  folder for the formatted snippets
#
# More flags are passed to kitti_eval/generate_multiview_extension.py. Unpacks only one colour
# camera (--cam_id, default 02, the left) and the truth, and only missing files.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/prepare_common.sh"
read_folders "$@"
shift 3

camera=$(flag_value cam_id 02 "$@")
images="training/image_${camera#0}"
require_archives 'www.cvlibs.net/datasets/kitti/eval_scene_flow.php' \
  data_scene_flow.zip training/flow_occ data_scene_flow_multiview.zip "$images" \
  data_scene_flow_calib.zip training/calib_cam_to_cam
unpack data_scene_flow.zip '' 'training/flow_*' 'training/disp_*_0/*' "$images/*"
unpack data_scene_flow_multiview.zip '' "$images/*"
unpack data_scene_flow_calib.zip '' 'training/calib_cam_to_cam/*'
"$python" "$root/kitti_eval/generate_multiview_extension.py" --dataset_dir="$data" \
  --dump_root="$formatted" "$@"
