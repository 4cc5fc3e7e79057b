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
source "$(dirname "${BASH_SOURCE[0]}")/shell.sh"

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

command -v "$python" >/dev/null || fail "no interpreter $python; run scripts/setup_env.sh"
"$python" -c 'import horovod.tensorflow' 2>/dev/null ||
  fail "Horovod does not import in $python; scripts/install_horovod.sh installs it" \
    '(after scripts/setup_env.sh)'

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

# Copies the output of horovodrun, but says which rank failed, and how, instead of its traceback.
explain() {
  local line number code first='' killed='' since=0 trace='' cause='' how name
  trap '' INT TERM HUP
  while IFS= read -r line || [ -n "$line" ]; do
    case "$line" in
      '['*']<stderr>:'*) printf '%s\n' "$line" >&2 ;;
      '['*']<stdout>:'*) printf '%s\n' "$line" ;;
      'Process '*' exit with status code '*.)
        read -r _ number _ _ _ _ code <<< "${line%.}"
        [ -n "$first" ] || first="$number $code" since=$SECONDS
        # A killed rank closes its connections, so that another may end before its own end is seen.
        # A kill more than 3 seconds later is Horovod's, 5 seconds after it told a rank to end.
        if [ -z "$killed" ] && [ $((SECONDS - since)) -le 3 ] &&
            [ "$code" -gt 128 ] && [ "$code" -le 192 ] && [[ "$code" != @(130|143) ]]; then
          killed="$number $code"
        fi ;;
      'Traceback (most recent call last):') trace=1 ;;
      *) if [ -z "$trace" ]; then printf '%s\n' "$line"
         elif [[ "$line" == *@(rror|xception):\ * ]]; then cause=${line#*: }; fi ;;
    esac
  done
  if [ -n "$first" ]; then
    read -r number code <<< "${killed:-$first}"
    how="ended with status $code"
    if [ "$code" -gt 128 ] && name=$(kill -l "$code" 2>/dev/null); then
      how="was killed by SIG$name"
    fi
    [ "$code" -ne 137 ] || how+=', perhaps out of memory'
    cause="rank $number $how, the others were stopped"
    cause+='; the same command continues from the last checkpoint'
  fi
  [ -z "$cause" ] || echo "error: $cause" >&2
}

# Variables of a launch on NPUs would conflict with this launch.
unset RANK_SIZE RANK_ID RANK_TABLE_FILE
exec "$python" -u -m horovod.runner.launch -np "$ranks" -H "${hosts:-localhost:$ranks}" \
  ${interface:+--network-interface "$interface"} "$python" "$program" "$@" > >(explain) 2>&1
