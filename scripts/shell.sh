# Shared by the shell scripts: the end with a sentence, the user's folder.

fail() { echo "error: $*" >&2; exit 2; }

# The path $1 with ~ or ~/ at its beginning read as a shell reads it; HOME need not be set.
expand_home() {
  case "$1" in
    '~'|'~/'*) printf '%s\n' "${HOME:-~}${1#'~'}" ;;
    *) printf '%s\n' "$1" ;;
  esac
}
