# Runs programs with a log, forwards signals, starts one process per card.

# Copies all further output to the file $1. When the case ends, for whatever reason, copies the
# results to `kept_path`, MODELARTS_MODEL_PATH, the only folder that ModelArts keeps.
begin_log() {
  : > "$1"
  exec > >(trap '' INT TERM HUP; exec tee -a "$1")
  local out=$!
  exec 2> >(trap '' INT TERM HUP; exec tee -a "$1" >&2)
  tees="$out $!"
  trap end_log EXIT
}

end_log() {
  local status=$?
  if [ -n "$kept_path" ]; then cp -r "$results" "$kept_path/" || status=$((status ? status : 2)); fi
  exec >&- 2>&-
  wait $tees || true
  exit "$status"
}

# Runs a program in its own process group, forwards SIGINT, SIGTERM and SIGHUP to it, and exits with
# its status unless that is 0.
step() {
  local status=0
  echo "+ $*"
  set -m
  "$@" &
  child=$!
  set +m
  trap 'kill -INT -- "-$child" 2>/dev/null || true' INT
  trap 'kill -TERM -- "-$child" 2>/dev/null || true' TERM
  trap 'kill -HUP -- "-$child" 2>/dev/null || true' HUP
  wait "$child" || status=$?
  while kill -0 "$child" 2>/dev/null; do  # a signal ends `wait`, but not the program
    status=0
    wait "$child" || status=$?
  done
  trap - INT TERM HUP
  if [ "$status" -ne 0 ]; then
    echo "error: ended with status $status: $*" >&2
    exit "$status"
  fi
}

# Runs the training program, with one process per card of this host.
launch() {
  if [ "$RANK_SIZE" -eq 1 ]; then
    step "$python" "$@"
  elif [ "$device" = cpu ] || [ "$device" = gpu ]; then
    PYTHON=$python step bash "$root/scripts/train_multi.sh" --np "$RANK_SIZE" "$@"
  else
    [ -n "${RANK_TABLE_FILE:-}" ] || fail 'RANK_TABLE_FILE is not set: must be the rank' \
      "table of the $RANK_SIZE ranks (scripts/make_rank_table.py writes it)"
    step run_ranks "$@"
  fi
}

# Sets `absolute` to the words "$@" with absolute paths: a relative path contains a slash. Of NPU
# options, KEY=VALUE,..., only those named ..._path or ..._dir are paths.
make_absolute() {
  local word given flag before='' items item
  absolute=()
  for given; do
    word=$given flag=''
    if [[ "$word" == --*=* ]]; then flag=${word%%=*}= word=${word#*=}; fi
    if [ "$flag" = --npu_options= ] || [ "$before" = --npu_options ]; then
      IFS=, read -r -a items <<< "$word"
      word=''
      for item in "${items[@]}"; do
        [[ "$item" != *_@(path|dir)=[!/~\$]*/* ]] || item=${item%%=*}=$PWD/${item#*=}
        word+=${word:+,}$item
      done
    elif [[ "$word" == [!/~\$]*/* && "$word" != --* ]]; then
      word=$PWD/$word
    fi
    absolute+=("$flag$word")
    before=$given
  done
}

# Runs each rank in its own working folder, because the plugin writes files there.
run_ranks() {
  local absolute table=$RANK_TABLE_FILE
  make_absolute "$python" "$@"
  case "$table" in /*) ;; *) table=$PWD/$table ;; esac
  # Variables of the plugin's other way to launch would conflict with this launch.
  unset CM_CHIEF_IP CM_CHIEF_PORT CM_CHIEF_DEVICE CM_WORKER_IP CM_WORKER_SIZE
  local count=$((RANK_SIZE < cards ? RANK_SIZE : cards)) rank pid pids=() status=0 stopped=''
  trap 'stopped=1' INT TERM HUP  # every rank receives the signal itself
  for ((rank = first_rank; rank < first_rank + count; rank++)); do
    mkdir -p "$results/rank_$rank"
    (cd "$results/rank_$rank" && RANK_SIZE=$RANK_SIZE RANK_ID=$rank RANK_TABLE_FILE=$table \
      ASCEND_DEVICE_ID=$((rank - first_rank)) JOB_ID=${JOB_ID:-10087} \
      HCCL_CONNECT_TIMEOUT=${HCCL_CONNECT_TIMEOUT:-600} \
      exec "${absolute[@]}") > "$results/rank_$rank.log" 2>&1 &
    pids+=($!)
  done
  echo "logs of the ranks: $results/rank_*.log"
  while [ -n "$(jobs -pr)" ]; do
    wait -n || status=$?
    if [ "$status" -ne 0 ] && [ -z "$stopped" ]; then
      end_ranks
    fi
  done
  for pid in "${pids[@]}"; do  # `wait -n` overlooks ranks that had already ended
    wait "$pid" || status=$((status ? status : $?))
  done
  for ((rank = first_rank; rank < first_rank + count; rank++)); do
    echo "rank $rank: $(tail -n 1 "$results/rank_$rank.log")"
  done
  return "$status"
}

# Stops the running ranks; after 30 seconds kills those that still wait for an ended rank.
end_ranks() {
  local second
  kill $(jobs -pr) 2>/dev/null || true
  for ((second = 0; second < 30; second++)); do
    if [ -z "$(jobs -pr)" ]; then return; fi
    sleep 1
  done
  kill -KILL $(jobs -pr) 2>/dev/null || true
}
