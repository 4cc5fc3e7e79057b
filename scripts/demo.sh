#!/usr/bin/env bash
# A few minutes on two cores: renders a small world in KITTI's layout, trains GeoNet and ConvLSTM
# visual odometry on it, tests on a drive never trained on. Look at demo/report.html afterwards.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/shell.sh
python=${PYTHON:-${VENV:-.venv}/bin/python}
command -v "$python" >/dev/null || fail "no interpreter $python (make env makes it)"
exec "$python" scripts/demo.py "$@"
