# Functions for the wrappers in this folder: arguments, environment, results.

source "$(dirname "${BASH_SOURCE[0]}")/../scripts/shell.sh"
source "$root/test/lib_process.sh"
source "$root/test/lib_models.sh"

usage() {
  cat <<END
usage: bash $0 --data_path=FOLDER [options]
  --data_path=FOLDER     KITTI odometry (sequences/, poses/), or for geonet also a folder with
                         train/ (formatted set), test/ (sequences/) and eval/09_snippets/
  --output_path=FOLDER   checkpoints, predictions, evaluation   (default: test/output/run)
  --model=NAME           geonet or convlstm_vo                  (default: geonet)
  --train_steps=N        optimizer steps                        (default: the model's recipe)
  --batch_size=N         examples per step and card             (default: the model's recipe)
  --img_height=N         height of the images in pixels         (default: the model's)
  --img_width=N          width of the images in pixels          (default: the model's)
  --device=NAME          auto, npu, gpu or cpu                  (default: auto)
  --extra="FLAGS"        more flags for the training program
END
}

parse_arguments() {
  data_path='' output_path='' model=geonet train_steps='' batch_size='' img_height='' img_width=''
  device=auto extra=''
  local key value
  while [ $# -gt 0 ]; do
    key=${1%%=*}
    case "$1" in
      -h|--help) usage; exit 0 ;;
      --*=*) value=${1#*=}; shift ;;
      --*) [ $# -ge 2 ] || fail "$1 needs a value"; value=$2; shift 2 ;;
      *) usage >&2; fail "argument $1 is unknown" ;;
    esac
    case "$key" in
      --train_steps|--batch_size|--img_height|--img_width)
        [[ "$value" =~ ^[1-9][0-9]*$ ]] ||
          fail "$key=$value: must be a whole number of at least 1" ;;
      --data_path|--output_path|--model|--device|--extra) ;;
      *) usage >&2; fail "flag $key is unknown" ;;
    esac
    printf -v "${key#--}" '%s' "$value"
  done
  local own='batch_size|bsize|checkpoint_dir|outputpath|output_path|max_steps|total_steps'
  [[ ! " $extra " =~ [[:space:]]--($own)[=[:space:]] ]] ||
    fail "--extra=$extra: must not set --${BASH_REMATCH[1]}, which a flag of this script sets"
  [ -n "$data_path" ] || { usage >&2; fail '--data_path is missing'; }
  data_path=$(expand_home "$data_path")
  [ -d "$data_path" ] || fail "--data_path=$data_path is not a folder"
  data_path=$(cd "$data_path" && pwd)
  case "$model" in
    geonet|convlstm_vo) ;;
    *) fail "--model=$model: must be geonet or convlstm_vo" ;;
  esac
}

prepare_environment() {
  RANK_SIZE=${RANK_SIZE:-$cards}
  if [ "$cards" -eq 1 ]; then RANK_SIZE=1; fi
  [[ "$RANK_SIZE" =~ ^[1-9][0-9]*$ ]] ||
    fail "RANK_SIZE=$RANK_SIZE in the environment: must be a number of ranks"
  first_rank=${RANK_ID_START:-0}
  if [ "$RANK_SIZE" -eq 1 ]; then first_rank=0; fi
  [[ "$first_rank" =~ ^(0|[1-9][0-9]{0,8})$ ]] && [ "$first_rank" -lt "$RANK_SIZE" ] ||
    fail "RANK_ID_START=$first_rank in the environment: must be 0 to $((RANK_SIZE - 1))"
  export ASCEND_DEVICE_ID=${ASCEND_DEVICE_ID:-${DEVICE_ID:-0}}
  export ASCEND_GLOBAL_LOG_LEVEL=${ASCEND_GLOBAL_LOG_LEVEL:-3}
  results=$root/test/output/$ASCEND_DEVICE_ID
  kept_path=$(expand_home "${MODELARTS_MODEL_PATH:-}")
  output_path=${output_path:-${kept_path:-$root/test/output/run}}
  output_path=$(expand_home "$output_path")
  mkdir -p "$results" "$output_path" || fail "cannot write to $results or $output_path"
  output_path=$(cd "$output_path" && pwd)
  size_flags=(${img_height:+"--img_height=$img_height"} ${img_width:+"--img_width=$img_width"})
  read -r -d '' -a extra_flags <<< "$extra" || true  # at the end of the text, read returns 1
}

# Runs the case $1 (acc or perf) on $2 cards; flags follow.
run_case() {
  set -euo pipefail
  kind=$1 cards=$2
  shift 2
  parse_arguments "$@"
  prepare_environment
  begin_log "$results/train_$ASCEND_DEVICE_ID.log"
  accuracy=()
  "case_$model"
  if [ "$first_rank" -gt 0 ]; then return; fi
  step "$python" "$root/scripts/report_case.py" --metrics="$run_dir/metrics.jsonl" \
    --network="$network" --batch_size="$batch_size" --rank_size="$RANK_SIZE" --kind="$kind" \
    --results_dir="$results" --e2e_seconds="$SECONDS" ${accuracy[@]+"${accuracy[@]}"}
}
