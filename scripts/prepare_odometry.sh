#!/usr/bin/env bash
# Unpacks the archives of KITTI odometry and formats a training set (scripts/prepare.py).
#
#   bash scripts/prepare_odometry.sh ARCHIVES DATA FORMATTED [flags of prepare_train_data.py]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/shell.sh"
exec "$python" "$root/scripts/prepare.py" odometry "$@"
