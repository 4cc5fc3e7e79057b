#!/usr/bin/env bash
# Trains both models from scratch on synthetic drives and compares them with their baselines.
# Status 1 where a model misses what is wanted; both are run in any case.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/shell.sh
python=${PYTHON:-${VENV:-.venv}/bin/python}
command -v "$python" >/dev/null || fail "no interpreter $python (make env makes it)"
status=0
"$python" scripts/learn_geonet.py --output_dir=learn/geonet || status=1
"$python" scripts/learn_convlstm.py --output_dir=learn/convlstm_vo || status=1
exit "$status"
