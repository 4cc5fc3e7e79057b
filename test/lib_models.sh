# `case_<model>` runs the programs of a model, and sets network, batch_size, run_dir, accuracy.

# Prints the first of the cameras $2... for which a sequence in the odometry folder $1 has images.
camera_of() {
  local folder=$1 camera
  shift
  for camera; do
    if any_match "$folder" "sequences/*/image_$camera"; then echo "$camera"; return; fi
  done
  fail "no sequence in $folder/sequences has one of the cameras $*"
}

# Prints those of the sequences $1... that exist in $data_path, separated by commas.
present() {
  local sequence found=()
  for sequence; do
    if [ -d "$data_path/sequences/$sequence" ]; then found+=("$sequence"); fi
  done
  (IFS=,; echo "${found[*]-}")
}

case_geonet() {
  network=GeoNet
  batch_size=${batch_size:-4}
  run_dir=$output_path/ckpt
  if [ -z "$train_steps" ]; then
    train_steps=210100
    if [ "$kind" = perf ]; then train_steps=1000; fi
  fi
  geonet_training_data
  launch "$root/geonet/main.py" --mode=train_rigid --dataset_dir="$formatted" \
    --checkpoint_dir="$run_dir" --learning_rate=0.00001 --seq_length=3 \
    --batch_size="$batch_size" --max_steps="$train_steps" --device="$device" \
    --log_freq=$((train_steps < 1000 ? (train_steps + 9) / 10 : 100)) \
    ${size_flags[@]+"${size_flags[@]}"} ${extra_flags[@]+"${extra_flags[@]}"}
  if [ "$kind" = acc ] && [ "$first_rank" -eq 0 ]; then geonet_evaluation; fi
}

# Sets `formatted` to the given training set, or to one that it prepares from the sequences.
geonet_training_data() {
  if [ -d "$data_path/stageone" ]; then data_path=$data_path/stageone; fi
  formatted=$data_path/train test_root=$data_path/test
  if [ -d "$formatted" ]; then require_test_data; return; fi
  [ -d "$data_path/sequences" ] ||
    fail "--data_path=$data_path: must contain train/ (and test/) or sequences/"
  formatted=$output_path/formatted test_root=$data_path
  require_test_data
  local sequences camera
  sequences=$(present 00 01 02 03 04 05 06 07 08)
  [ -n "$sequences" ] || fail "$data_path/sequences: must contain one of 00 to 08 to train on"
  camera=$(camera_of "$data_path" 2 3 0 1)
  step "$python" "$root/kitti_data/preparation/prepare_train_data.py" --dataset_name=kitti_odom \
    --dataset_dir="$data_path" --dump_root="$formatted" --camera="$camera" --seq_length=3 \
    --sequences="$sequences" ${size_flags[@]+"${size_flags[@]}"}
}

# Before a long training, checks what its evaluation reads.
require_test_data() {
  if [ "$kind" != acc ]; then return; fi
  [ -d "$test_root/sequences/09" ] ||
    fail "$test_root/sequences: must contain 09 to test on (train_performance_1p.sh needs no test)"
  [ -e "$test_root/sequences/09/times.txt" ] ||
    fail "$test_root/sequences/09/times.txt does not exist, must be the times of the frames"
  [ -e "$test_root/poses/09.txt" ] || [ -d "$data_path/eval/09_snippets" ] ||
    fail "$test_root/poses/09.txt does not exist, must be the poses to test on"
}

geonet_evaluation() {
  # The recipe trains 210100 steps and evaluates step 185000, or the last step of another run.
  local evaluated=$run_dir/model-185000 truth camera
  if [ ! -e "$evaluated.index" ]; then evaluated=$run_dir; fi
  camera=$(camera_of "$test_root" 2 3 0 1)
  truth=(--gtruth_poses="$test_root/poses/09.txt" --times="$test_root/sequences/09/times.txt")
  if [ -d "$data_path/eval/09_snippets" ]; then
    truth=(--gtruth_dir="$data_path/eval/09_snippets/")
  fi
  step "$python" "$root/geonet/main.py" --mode=test_pose --dataset_dir="$test_root" \
    --init_ckpt_file="$evaluated" --batch_size=1 --pose_test_seq=9 --camera="$camera" \
    --output_dir="$output_path/pose" --device="$device"
  step "$python" "$root/kitti_eval/eval_pose.py" "${truth[@]}" --pred_dir="$output_path/pose/"
  accuracy=(--accuracy_file="$output_path/pose/eval_pose.json" --accuracy_key=ate_mean)
}

case_convlstm_vo() {
  network=ConvLSTM
  batch_size=${batch_size:-32}
  run_dir=$output_path/ckpt
  [ -d "$data_path/sequences" ] || fail "--data_path=$data_path: must contain sequences/"
  if [ -z "$train_steps" ] && [ "$kind" = perf ]; then train_steps=1000; fi
  local train_sequences test_sequences camera
  train_sequences=$(present 00 02 08 09)
  test_sequences=$(present 04 03 05 07 10)
  if [ -z "$test_sequences" ]; then  # a small folder: test on the last one
    test_sequences=${train_sequences##*,}
    train_sequences=${train_sequences%,*}
  fi
  [ "$train_sequences" != "$test_sequences" ] ||
    fail "$data_path/sequences: must contain sequences to train on (00, 02, 08, 09) and to test on"
  camera=$(camera_of "$data_path" 0 1 2 3)
  launch "$root/convlstm_vo/main.py" --mode=train --datapath="$data_path" \
    --outputpath="$run_dir" --bsize="$batch_size" --total_steps="${train_steps:--1}" \
    --train_sequences="$train_sequences" --val_sequences="$(present 06)" --camera="$camera" \
    --device="$device" ${size_flags[@]+"${size_flags[@]}"} \
    ${extra_flags[@]+"${extra_flags[@]}"}
  if [ "$kind" = perf ] || [ "$first_rank" -gt 0 ]; then return; fi
  step "$python" "$root/convlstm_vo/main.py" --mode=test --datapath="$data_path" \
    --outputpath="$run_dir" --test_sequences="$test_sequences" --camera="$camera" \
    --device="$device"
  accuracy=(--accuracy_file="$run_dir/test/results.json"
            --accuracy_key="sequences.${test_sequences%%,*}.ate")
}
