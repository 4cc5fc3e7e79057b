# Shared by the wrappers in this folder: arguments, environment, the chain of each model, results.
# A wrapper sets `kind` (acc or perf) and `cards` and calls `run_case "$@"`.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

usage() {
  cat <<END
usage: bash $0 --data_path=FOLDER [options]
  --data_path=FOLDER     KITTI odometry (sequences/, poses/), or for geonet also a folder with
                         train/ (formatted set), test/ (sequences/) and eval/09_snippets/
  --output_path=FOLDER   checkpoints, predictions, evaluation   (default: test/output/run)
  --model=NAME           geonet or convlstm_vo                  (default: geonet)
  --train_steps=N        optimizer steps                        (default: the model's recipe)
  --batch_size=N         examples a step and card               (default: the model's recipe)
  --device=NAME          auto, npu, gpu or cpu                  (default: auto)
  --extra="FLAGS"        more flags for the training program
END
}

fail() { echo "error: $*" >&2; exit 2; }

parse_arguments() {
  data_path='' output_path='' model=geonet train_steps='' batch_size='' device=auto extra=''
  local key value number
  while [ $# -gt 0 ]; do
    key=${1%%=*}
    case "$1" in
      -h|--help) usage; exit 0 ;;
      --*=*) value=${1#*=}; shift ;;
      --*) [ $# -ge 2 ] || fail "$1 needs a value"; value=$2; shift 2 ;;
      *) usage >&2; fail "argument $1 is not understood" ;;
    esac
    case "$key" in
      --data_path|--output_path|--model|--train_steps|--batch_size|--device|--extra)
        printf -v "${key#--}" '%s' "$value" ;;
      *) usage >&2; fail "flag $key is not known" ;;
    esac
  done
  [ -n "$data_path" ] || { usage >&2; fail '--data_path is missing'; }
  data_path=${data_path/#\~/$HOME}
  [ -d "$data_path" ] || fail "--data_path=$data_path is not a folder"
  case "$model" in
    geonet|convlstm_vo) ;;
    *) fail "--model=$model; wanted geonet or convlstm_vo" ;;
  esac
  for number in "$train_steps" "$batch_size"; do
    [[ "$number" =~ ^([1-9][0-9]*)?$ ]] || fail "$number is not a positive whole number"
  done
}

prepare_environment() {
  export RANK_SIZE=${RANK_SIZE:-$cards} ASCEND_DEVICE_ID=${ASCEND_DEVICE_ID:-0}
  export ASCEND_GLOBAL_LOG_LEVEL=${ASCEND_GLOBAL_LOG_LEVEL:-3}
  if [ -z "${PYTHON:-}" ]; then
    PYTHON=python3
    if [ -x "$root/.venv/bin/python" ]; then PYTHON=$root/.venv/bin/python; fi
  fi
  results=$root/test/output/$ASCEND_DEVICE_ID
  output_path=${output_path:-${MODELARTS_MODEL_PATH:-$root/test/output/run}}
  output_path=${output_path/#\~/$HOME}
  mkdir -p "$results" "$output_path" || fail "cannot write to $results or $output_path"
  output_path=$(cd "$output_path" && pwd)
  log=$results/train_$ASCEND_DEVICE_ID.log
  : > "$log"
}

# Runs one program, its output on the screen and in the log; ends the case when it fails.
step() {
  local status
  echo "+ $*" | tee -a "$log"
  set +e
  "$@" 2>&1 | tee -a "$log"
  status=${PIPESTATUS[0]}
  set -e
  if [ "$status" -ne 0 ]; then
    echo "error: ended with status $status: $*" | tee -a "$log" >&2
    exit "$status"
  fi
}

# Starts the training program on every card of the case: one process a card.
launch() {
  if [ "$RANK_SIZE" -eq 1 ]; then
    step "$PYTHON" "$@"
  else
    step run_ranks "$@"
  fi
}

run_ranks() {
  local first=${RANK_ID_START:-0} local_ranks=${LOCAL_RANKS:-$cards} rank pids=() status=0 pid
  for ((rank = first; rank < first + local_ranks; rank++)); do
    RANK_ID=$rank ASCEND_DEVICE_ID=$((rank - first)) JOB_ID=${JOB_ID:-10087} \
      HCCL_CONNECT_TIMEOUT=${HCCL_CONNECT_TIMEOUT:-600} "$PYTHON" "$@" \
      > "$results/rank_$rank.log" 2>&1 &
    pids+=($!)
  done
  echo "rank logs: $results/rank_*.log"
  for pid in "${pids[@]}"; do  # the first that fails ends the others
    if ! wait -n; then
      status=1
      kill "${pids[@]}" 2>/dev/null
      break
    fi
  done
  wait
  tail -n 5 "$results/rank_$first.log"
  return "$status"
}

device_flags() {
  printf '%s\n' "--device=$device"
  if [ -n "$extra" ]; then printf '%s\n' $extra; fi
}

odometry_camera() {  # the colour camera where it is there
  if [ -d "$1/sequences/09/image_2" ]; then echo 2; else echo 0; fi
}

training_sequences() {  # those of 00 to 08 that are here
  local sequence found=()
  for sequence in 0 1 2 3 4 5 6 7 8; do
    if [ -d "$data_path/sequences/0$sequence" ]; then found+=("$sequence"); fi
  done
  [ ${#found[@]} -gt 0 ] || fail "$data_path/sequences holds none of 00 to 08"
  (IFS=,; echo "${found[*]}")
}

geonet_data() {
  if [ -d "$data_path/stageone" ]; then data_path=$data_path/stageone; fi
  test_root=$data_path
  formatted=$output_path/formatted
  if [ -d "$data_path/train" ] && [ -d "$data_path/test" ]; then
    formatted=$data_path/train
    test_root=$data_path/test
  elif [ ! -d "$data_path/sequences" ]; then
    fail "--data_path=$data_path holds neither train/ and test/ nor sequences/"
  fi
  camera=$(odometry_camera "$test_root")
  truth=(--gtruth_poses="$test_root/poses/09.txt" --times="$test_root/sequences/09/times.txt")
  if [ -d "$data_path/eval/09_snippets" ]; then
    truth=(--gtruth_dir="$data_path/eval/09_snippets/")
  fi
  if [ "$test_root" = "$data_path" ]; then
    step "$PYTHON" "$root/kitti_data/prepare_train_data.py" --dataset_name=kitti_odom \
      --dataset_dir="$data_path" --dump_root="$formatted" --camera="$camera" \
      --sequences="$(training_sequences)"
  fi
}

case_geonet() {
  network=GeoNet
  batch_size=${batch_size:-4}
  if [ -z "$train_steps" ]; then
    train_steps=210100
    if [ "$kind" = perf ]; then train_steps=1000; fi
  fi
  run_dir=$output_path/ckpt
  geonet_data
  mapfile -t flags < <(device_flags)
  launch "$root/geonet/main.py" --mode=train_rigid --dataset_dir="$formatted" \
    --checkpoint_dir="$run_dir" --learning_rate=0.00001 --seq_length=3 \
    --batch_size="$batch_size" --max_steps="$train_steps" "${flags[@]}"
  if [ "$kind" = perf ]; then return; fi
  # The recipe trains 210100 steps and evaluates step 185000; a shorter run its last step.
  local evaluated=$run_dir/model-185000
  if [ "$train_steps" -lt 185000 ]; then evaluated=$run_dir; fi
  step "$PYTHON" "$root/geonet/main.py" --mode=test_pose --dataset_dir="$test_root" \
    --init_ckpt_file="$evaluated" --batch_size=1 --seq_length=3 --pose_test_seq=9 \
    --camera="$camera" --output_dir="$output_path/pose" --device="$device"
  step "$PYTHON" "$root/kitti_eval/eval_pose.py" "${truth[@]}" --pred_dir="$output_path/pose/"
  accuracy=(--accuracy_file="$output_path/pose/eval_pose.json")
}

report() {
  step "$PYTHON" "$root/scripts/report_case.py" --metrics="$run_dir/metrics.jsonl" \
    --network="$network" --batch_size="$batch_size" --rank_size="$RANK_SIZE" --kind="$kind" \
    --results_dir="$results" --e2e_seconds="$1" ${accuracy[@]+"${accuracy[@]}"}
  # ModelArts keeps what is under this folder and nothing else.
  if [ -n "${MODELARTS_MODEL_PATH:-}" ]; then cp -r "$results" "$MODELARTS_MODEL_PATH/"; fi
}

run_case() {
  set -euo pipefail
  parse_arguments "$@"
  prepare_environment
  accuracy=()
  "case_$model"
  report "$SECONDS"
}
