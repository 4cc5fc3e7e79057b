"""Stand-ins: for Python under the wrappers in test/, and for Horovod."""
import sys

from repository import write_program

# Records its arguments; training leaves metrics, evaluation a number; reports are real.
STAND_IN = r'''#!/usr/bin/env bash
# One rank at a time: bash writes at each newline, and ranks record at the same time.
(flock 9; printf '%s\0' "$@" "rank=${RANK_ID-none}"$'\n' >&9) 9>> "$RECORD"
for argument; do case "$argument" in
  --checkpoint_dir=*|--outputpath=*) run=${argument#*=} ;;
  --pred_dir=*) predictions=${argument#*=} ;;
esac; done
case "$*" in
  *report_case.py*) exec "$REAL_PYTHON" "$@" ;;
  *prepare_train_data.py*|*--mode=test_pose*) ;;
  *eval_pose.py*) mkdir -p "$predictions"
    echo '{"ate_mean": 0.0125}' > "$predictions/eval_pose.json" ;;
  *--mode=test*) mkdir -p "$run/test"
    echo '{"sequences": {"00": {"ate": 1}, "09": {"ate": 16.05}}}' > "$run/test/results.json" ;;
  *--mode=train*)
    if [ -n "${CM_WORKER_SIZE-}${CM_CHIEF_IP-}" ]; then
      echo 'error: two ways to launch' >&2; exit 2
    fi
    if [ "${FAIL_RANK-}" = all ]; then exit 2; fi
    if [ -n "${FAIL_RANK-}" ] && [ "${RANK_ID-0}" = "$FAIL_RANK" ]; then
      while [ -n "${WAIT-}" ] && [ "$(grep -ac waiting "$RECORD")" -lt 2 ]; do sleep 0.1; done
      echo 'error: no luck' >&2; exit 2
    fi
    if [ -n "${WAIT-}" ]; then
      trap 'printf "stopped\0\n\0" >> "$RECORD"; exit 143' TERM
      trap 'printf "stopped\0\n\0" >> "$RECORD"; exit 129' HUP
      printf 'waiting\0\n\0' >> "$RECORD"
      while true; do sleep 0.1; done
    fi
    mkdir -p "$run"
    if [ -n "${RANK_TABLE_FILE-}" ]; then  # as the plugin does
      echo "rank $RANK_ID of $RANK_TABLE_FILE" > check_result.tf.json
    fi
    for step in 1 2 3; do
      echo '{"event": "train", "step": '$step', "total": '$step'.5e-05, "seconds_per_step": 0.5}'
    done > "$run/metrics.jsonl"
    echo '{"event": "end", "step": 3, "total": 9, "seconds_per_step": 9}' >> "$run/metrics.jsonl"
    echo 'step 1 | loss 7' ;;
esac
'''


def stand_in(folder, record):
    """Writes the stand-in to `folder`; returns the variables with which a wrapper runs it.

    Args:
      folder: <pathlib.Path>.
      record: path of the file for `commands_in`.
    """
    python = folder / 'stand in'
    write_program(python, STAND_IN)
    return dict(PYTHON=str(python), RECORD=str(record), REAL_PYTHON=sys.executable)


def commands_in(record):
    """The commands in a record <pathlib.Path>: lists of words, the last one `rank=<RANK_ID>`."""
    return [command.split('\0') for command in record.read_text().split('\n\0')[:-1]]


def horovod_that(folder, launches):
    """Writes a Horovod whose launcher is the Python source `launches`; returns its PYTHONPATH."""
    modules = folder / 'modules'
    (modules / 'horovod' / 'runner').mkdir(parents=True)
    for name, source in (('__init__', ''), ('tensorflow', ''), ('runner/__init__', ''),
                         ('runner/launch', launches)):
        (modules / 'horovod' / (name + '.py')).write_text(source)
    return str(modules)
