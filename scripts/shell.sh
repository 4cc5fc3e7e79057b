# Functions for all shell scripts: error messages, patterns, expansion of ~.

unset CDPATH  # with it, cd prints its target, or chooses another folder

fail() { echo "error: $*" >&2; exit 2; }

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
