#!/usr/bin/env bash
# The pose recipe of the published Ascend port: 3-frame snippets, learning rate 1e-5, batch 4,
# 210100 steps, of which step 185000 is evaluated on sequence 09.
#
#   bash scripts/recipes/pose_ascend.sh ODOMETRY OUTPUT [more flags of test/train_full_1p.sh]
#
# ODOMETRY   KITTI odometry, unpacked (scripts/prepare_odometry.sh), or the port's own folder with
#            train/ (formatted), test/ and eval/09_snippets/
# OUTPUT     formatted set, run, predictions, evaluation
#
# Expected:  3-frame ATE 0.0174 +- 0.0139 m on 09 (constant motion: 0.0163 +- 0.0130). Not to be
#            compared with the paper's 5-frame ATE of 0.012 m: three frames drift less than five.
# Source:    the published Ascend port; its log shows 0.1 s per step on one Ascend 910
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../shell.sh"
take_arguments 'ODOMETRY OUTPUT' "$@"
shift 2

bash "$root/test/train_full_1p.sh" --data_path="$odometry" --output_path="$output" \
  --train_steps=210100 --batch_size=4 "$@"
