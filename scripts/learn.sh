#!/usr/bin/env bash
# Trains depth, motion and flow from scratch on rendered drives, an hour in all on two cores, and
# tests on one never trained on: learn/report.html, learn/flow/report.html. Started again, it goes
# on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/shell.sh
python=${PYTHON:-${VENV:-.venv}/bin/python}
command -v "$python" >/dev/null || fail "no interpreter $python (make env makes it)"
minutes=${MINUTES:-20}
"$python" kitti_data/rendering/synthetic.py --output_dir=learn/kitti --num_sequences=10 \
  --num_frames=200 --img_height=64 --img_width=208 --min_speed=0.5 --max_speed=1.8
"$python" scripts/learn_kitti.py --kitti_dir=learn/kitti --output_dir=learn --minutes="$minutes"
"$python" scripts/learn_flow.py --kitti_dir=learn/kitti --output_dir=learn/flow
