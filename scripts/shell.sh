# For all shell scripts: `root` of the repository, its interpreter `python`, and functions.

unset CDPATH  # with it, cd prints its target, or chooses another folder
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=${PYTHON:-$root/.venv/bin/python}
[ -n "${PYTHON:-}" ] || [ -x "$python" ] || python=python3  # in an image with all packages

fail() { echo "error: $*" >&2; exit 2; }  # for wrong input
abort() { echo "error: $*" >&2; exit 1; }  # for all else

# Sets a variable for each name in $1 ('DATA OUTPUT' sets data and output) to the arguments that
# follow; the last one is a folder to write to. Fails without an environment.
take_arguments() {
  local name names=$1
  for name in $names; do
    shift
    [ -n "${1:-}" ] || fail "found no $name, must be: $names"
    printf -v "${name,,}" '%s' "$1"
  done
  [[ "$1" != -* ]] || fail "$name=$1: must be a folder"
  [ "$python" != python3 ] ||
    python3 -c 'from importlib.util import find_spec as has; exit(not has("tensorflow"))' ||
    fail 'python3 has no TensorFlow; scripts/setup_env.sh makes an environment, .venv'
}

# Whether anything in the folder $1 (a literal name) matches the pattern $2.
any_match() {
  local found
  for found in "$1"/$2; do [ ! -e "$found" ] || return 0; done
  return 1
}

# Prints the path $1 with a leading ~ or ~/ expanded; HOME need not be set.
expand_home() {
  case "$1" in
    '~'|'~/'*) printf '%s\n' "${HOME:-~}${1#'~'}" ;;
    *) printf '%s\n' "$1" ;;
  esac
}
