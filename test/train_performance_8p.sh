#!/usr/bin/env bash
# Performance run on eight cards, or on RANK_SIZE of them: a short training that measures speed.
# Needs RANK_TABLE_FILE; on a second server also RANK_ID_START=8. --help lists the flags.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
run_case perf 8 "$@"
