#!/usr/bin/env bash
# Unpacks the archives of Cityscapes and formats a training set.
#
#   bash scripts/prepare_cityscapes.sh ARCHIVES DATA FORMATTED [flags of prepare_train_data.py]
#
# ARCHIVES   folder with leftImg8bit_sequence_trainvaltest.zip and camera_trainvaltest.zip
# DATA       folder to unpack to, for leftImg8bit_sequence/train and camera/train
# FORMATTED  folder for the formatted set
#
# Unpacks only the training cities, and only missing files.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/prepare_common.sh"
read_folders "$@"
shift 3

require_archives 'www.cityscapes-dataset.com, after registration' \
  leftImg8bit_sequence_trainvaltest.zip leftImg8bit_sequence/train \
  camera_trainvaltest.zip camera/train
unpack camera_trainvaltest.zip '' 'camera/train/*'
unpack leftImg8bit_sequence_trainvaltest.zip '' 'leftImg8bit_sequence/train/*'
"$python" "$root/kitti_data/preparation/prepare_train_data.py" --dataset_name=cityscapes \
  --dataset_dir="$data" --dump_root="$formatted" "$@"
