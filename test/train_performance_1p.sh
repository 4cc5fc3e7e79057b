#!/usr/bin/env bash
# Performance run on one card: a short training that measures speed. --help lists the flags.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
run_case perf 1 "$@"
