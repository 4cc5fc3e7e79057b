#!/usr/bin/env bash
# Full-accuracy run on eight cards, or on RANK_SIZE of them: trains, tests and evaluates. Needs
# RANK_TABLE_FILE; on a second server also RANK_ID_START=8. --help lists the flags.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
run_case acc 8 "$@"
