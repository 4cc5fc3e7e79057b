#!/usr/bin/env bash
# Unpacks the archives of KITTI raw and formats a training set without the test scenes.
#
#   bash scripts/prepare_raw.sh ARCHIVES DATA FORMATTED [flags of prepare_train_data.py]
#
# ARCHIVES   folder with <date>_drive_<number>_sync.zip of the drives and <date>_calib.zip of each
#            date, as KITTI's raw_data_downloader fetches them
# DATA       folder to unpack to, with one folder per date
# FORMATTED  folder for the formatted set
#
# --dataset_name=kitti_raw_stereo leaves out the scenes of KITTI 2015 instead of Eigen's test
# scenes. Unpacks only the colour cameras, oxts and, for Eigen's test scenes, the laser scans (the
# true depth), and only missing files.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/prepare_common.sh"
read_folders "$@"
shift 3

site='www.cvlibs.net/datasets/kitti/raw_data.php'
shopt -s nullglob
drives=("$archives"/*_drive_*_sync.zip)
dates=()
for path in "${drives[@]}" "$data"/????_??_??; do
  name=$(basename "$path")
  dates+=("${name:0:10}")
done
if [ ${#dates[@]} -eq 0 ]; then
  fail "no <date>_drive_<number>_sync.zip in $archives, and no date in $data (drives: $site)"
fi
mapfile -t dates < <(printf '%s\n' "${dates[@]}" | sort -u)
required=()
for date in "${dates[@]}"; do
  required+=("${date}_calib.zip" "$date/calib_cam_to_cam.txt")
done
require_archives "$site" "${required[@]}"

for date in "${dates[@]}"; do
  unpack "${date}_calib.zip" '' "$date/calib_*.txt"
done
for path in "${drives[@]}"; do
  drive=$(basename "$path" .zip)
  wanted=('*/image_02/*' '*/image_03/*' '*/oxts/*')
  if grep -qx "$drive" "$root/kitti_data/splits/eigen_test_scenes.txt"; then
    wanted+=('*/velodyne_points/*')
  fi
  unpack "$drive.zip" '' "${wanted[@]}"
done
"$python" "$root/kitti_data/preparation/prepare_train_data.py" --dataset_name=kitti_raw_eigen \
  --dataset_dir="$data" --dump_root="$formatted" "$@"
