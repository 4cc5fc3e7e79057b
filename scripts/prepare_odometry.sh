#!/usr/bin/env bash
# Unpacks the archives of KITTI odometry and formats a training set.
#
#   bash scripts/prepare_odometry.sh ARCHIVES DATA FORMATTED [flags of prepare_train_data.py]
#
# ARCHIVES   folder with data_odometry_color.zip (for --camera=0 or 1: data_odometry_gray.zip),
#            data_odometry_calib.zip and data_odometry_poses.zip
# DATA       folder to unpack to, for sequences/ and poses/
# FORMATTED  folder for the formatted set
#
# Unpacks only the requested cameras (--camera, default 2), and only missing files.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/prepare_common.sh"
read_folders "$@"
shift 3

site='www.cvlibs.net/datasets/kitti/eval_odometry.php'
camera=$(flag_value camera 2 "$@")
color=() gray=() required=(data_odometry_calib.zip 'sequences/*/calib.txt'
                           data_odometry_poses.zip poses)
for number in ${camera//,/ }; do
  case "$number" in
    0|1) gray+=("dataset/sequences/*/image_$number/*") archive=data_odometry_gray.zip ;;
    2|3) color+=("dataset/sequences/*/image_$number/*") archive=data_odometry_color.zip ;;
    *) fail "--camera=$camera: must be numbers from 0 to 3" ;;
  esac
  required+=("$archive" "sequences/*/image_$number")
done

require_archives "$site" "${required[@]}"
unpack data_odometry_calib.zip dataset/ 'dataset/sequences/*'
unpack data_odometry_poses.zip dataset/ 'dataset/poses/*'
if [ ${#gray[@]} -gt 0 ]; then unpack data_odometry_gray.zip dataset/ "${gray[@]}"; fi
if [ ${#color[@]} -gt 0 ]; then unpack data_odometry_color.zip dataset/ "${color[@]}"; fi
"$python" "$root/kitti_data/preparation/prepare_train_data.py" --dataset_name=kitti_odom \
  --dataset_dir="$data" --dump_root="$formatted" "$@"
