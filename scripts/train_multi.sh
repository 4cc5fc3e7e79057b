#!/usr/bin/env bash
# Trains on several CPU or GPU ranks with Horovod, on this host or on several.
#
#   scripts/train_multi.sh --np 2 geonet/main.py --mode=train_rigid --dataset_dir=... ...
#   scripts/train_multi.sh --np 4 --hosts a:2,b:2 --interface eth0 convlstm_vo/main.py ...
#
# Each rank reads its own shard of the data; --batch_size is per rank. Several hosts need ssh
# without a password from the first host, this folder at the same path, and a network interface of
# the same name; give it as --interface, because Horovod might choose the loopback. Each rank uses
# its own GPU. If a rank fails, the others are stopped and the status is not 0. PYTHON=... sets
# another interpreter than .venv/bin/python. On NPUs, use test/train_full_8p.sh.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$root/scripts/shell.sh"

ranks='' hosts='' interface=''
while [ $# -gt 0 ]; do
  case "$1" in
    --np=*|--hosts=*|--interface=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" ;;
    --np|--hosts|--interface)
      [ $# -ge 2 ] || fail "$1 needs a value"
      case "$1" in --np) ranks=$2 ;; --hosts) hosts=$2 ;; *) interface=$2 ;; esac
      shift 2 ;;
    -h|--help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) break ;;
  esac
done
[[ "$ranks" =~ ^[1-9][0-9]*$ ]] || fail "--np=$ranks: must be a number of ranks"
[ $# -ge 1 ] || fail 'no program given; for example geonet/main.py --mode=train_rigid'
program=$1
shift
[ -f "$program" ] || program=$root/$program
[ -f "$program" ] || fail "program $program does not exist"

python=${PYTHON:-$root/.venv/bin/python}
command -v "$python" >/dev/null || fail "no interpreter $python; run scripts/setup_env.sh"
"$python" -c 'import horovod.tensorflow' 2>/dev/null ||
  fail "Horovod does not import in $python; scripts/install_horovod.sh installs it"

# Horovod waits forever for ranks that no host has a slot for.
if [ -n "$hosts" ]; then
  slots=0
  IFS=, read -r -a list <<< "$hosts"
  for host in "${list[@]}"; do
    [[ "$host" =~ ^[A-Za-z0-9._-]+:[1-9][0-9]{0,4}$ ]] ||
      fail "--hosts=$hosts: must be HOST:RANKS,HOST:RANKS,..."
    slots=$((slots + ${host##*:}))
  done
  [ "$slots" -ge "$ranks" ] || fail "--hosts=$hosts: must have slots for all $ranks ranks (--np)"
fi

# The ranks of a host share its cores. This sets OpenMP's threads; npu_runtime/devices/cpu.py sets
# all others.
local_ranks=$ranks
[ -z "$hosts" ] || local_ranks=$(sed 's/.*://' <<< "${hosts%%,*}")
cores=$(nproc)
threads=$(( cores > local_ranks ? cores / local_ranks : 1 ))
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$threads}

# Variables of a launch on NPUs would conflict with this launch.
unset RANK_SIZE RANK_ID RANK_TABLE_FILE
exec "$python" "$root/npu_runtime/devices/launch_ranks.py" \
  -np "$ranks" -H "${hosts:-localhost:$ranks}" \
  ${interface:+--network-interface "$interface"} "$python" "$program" "$@"
