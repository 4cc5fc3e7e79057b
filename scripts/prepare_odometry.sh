#!/usr/bin/env bash
# Unpacks the archives of KITTI odometry and formats a training set (scripts/prepare.py).
#
#   bash scripts/prepare_odometry.sh ARCHIVES DATA FORMATTED [flags of prepare_train_data.py]
set -euo pipefail
root=$(CDPATH= cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=${PYTHON:-$root/.venv/bin/python}
[ -n "${PYTHON:-}" ] || command -v "$python" >/dev/null || python=python3
exec "$python" "$root/scripts/prepare.py" odometry "$@"
