#!/usr/bin/env bash
# Full-accuracy run on one card: trains, tests and evaluates. --help lists the flags.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
run_case acc 1 "$@"
