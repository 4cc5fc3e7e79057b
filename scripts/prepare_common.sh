# Functions for prepare_*.sh: read the three folders, check archives, unpack.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$root/scripts/shell.sh"
python=${PYTHON:-$root/.venv/bin/python}
command -v "$python" >/dev/null || python=python3

# Sets archives, data and formatted from the first three arguments; --help prints the comment at the
# top of the script.
read_folders() {
  case "${1:-}" in
    -h|--help) sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
  esac
  if [ $# -lt 3 ]; then
    sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p}' "$0" >&2
    fail "found $# folders, must be three"
  fi
  archives=$(expand_home "$1") data=$(expand_home "$2") formatted=$(expand_home "$3")
  [ -d "$archives" ] || fail "ARCHIVES=$archives: does not exist, must be a folder"
}

# flag_value NAME DEFAULT ARGUMENT...: the value of --NAME among the arguments.
flag_value() {
  local name=$1 value=$2
  shift 2
  while [ $# -gt 0 ]; do
    case "$1" in
      --"$name"=*) value=${1#*=} ;;
      --"$name") value=${2:-} ;;
    esac
    shift
  done
  echo "$value"
}

# require_archives SOURCE ARCHIVE UNPACKED [ARCHIVE UNPACKED...]: fails unless each ARCHIVE or its
# unpacked content UNPACKED (a glob) exists; the message names all missing archives and SOURCE.
require_archives() {
  local source=$1 missing=()
  shift
  while [ $# -gt 0 ]; do
    [ -f "$archives/$1" ] || any_match "$data" "$2" || missing+=("$1")
    shift 2
  done
  [ ${#missing[@]} -eq 0 ] || fail "not in $archives: ${missing[*]} (from $source)"
}

# unpack ARCHIVE STRIP PATTERN...: unpacks missing files that match a PATTERN.
unpack() {
  local archive=$1 strip=$2
  shift 2
  if [ ! -f "$archives/$archive" ]; then
    echo "note: no $archive; continuing with the files in $data"
    return
  fi
  "$python" "$root/scripts/unpack_archive.py" --archive="$archives/$archive" --target="$data" \
    --strip="$strip" --members="$(IFS=,; echo "$*")"
}
