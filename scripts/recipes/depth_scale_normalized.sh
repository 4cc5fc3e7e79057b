#!/usr/bin/env bash
# GeoNet depth with each disparity map divided by its mean; otherwise as depth_kitti.sh.
#
#   bash scripts/recipes/depth_scale_normalized.sh RAW TEST_LIST OUTPUT [more training flags]
#
# Expected:  abs_rel 0.149, sq_rel 1.060, rmse 5.567, rmse_log 0.226, a1 0.796 (depths to 80 m)
# Source:    the GeoNet authors, published with their code
set -euo pipefail
exec bash "$(dirname "${BASH_SOURCE[0]}")/depth_kitti.sh" "$@" --scale_normalize
