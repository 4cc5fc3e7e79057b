#!/usr/bin/env bash
# Builds the Python environment of this repository and prints its engine and the reason.
#
#   scripts/setup_env.sh                       keeps the environment; the first time uses Python
#                                              3.7, or else the newest Python and TensorFlow
#   ENGINE=newest scripts/setup_env.sh         or ENGINE=reference, which is TensorFlow 1.15
#   PYTHON_VERSION=3.12 scripts/setup_env.sh   or PYTHON=/path/to/python
#   TENSORFLOW=2.21.0 scripts/setup_env.sh     this version
#   TENSORFLOW=gpu scripts/setup_env.sh        or cpu; otherwise nvidia-smi decides
#   VENV=FOLDER scripts/setup_env.sh           another folder than .venv
#
# A choice that differs from the existing environment rebuilds it.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/shell.sh"
cd "$root"

# The supported Pythons, best first: engine, first and last TensorFlow with packages for it
# ('-': the newest).
engines() {
  cat <<'TABLE'
3.7 reference 1.15 1.15
3.13 newest 2.20 -
3.12 newest 2.16 -
3.11 newest 2.13 -
3.10 newest 2.13 -
3.9 newest 2.13 2.20
3.8 newest 2.13 2.13
TABLE
}

# The requirements file of an engine.
requirements_of() {
  case "$1" in reference) echo requirements.txt ;; newest) echo requirements-newest.txt ;; esac
}

# Fails for an invalid choice, or if the folder of the environment contains something else.
check_choices() {
  case "${ENGINE:-reference}" in
    reference|newest) ;;
    *) fail "ENGINE=$ENGINE: must be reference (TensorFlow 1.15) or newest" ;;
  esac
  [[ "${TENSORFLOW:-cpu}" =~ ^(cpu|gpu|[0-9]+\.[0-9]+(\.[0-9]+)?(rc[0-9]+)?)$ ]] ||
    fail "TENSORFLOW=$TENSORFLOW: must be cpu, gpu or a version such as 2.21.0"
  [[ "${PYTHON_VERSION:-3.7}" =~ ^3\.[0-9]+$ ]] ||
    fail "PYTHON_VERSION=$PYTHON_VERSION: must be one such as 3.12"
  case "$venv" in *:*) fail "VENV=$venv: must have no colon in its path" ;; esac
  [ ! -e "$venv" ] || [ -e "$venv/pyvenv.cfg" ] || [ -e "$venv/.choice" ] ||
    { [ -d "$venv" ] && [ -z "$(ls -A "$venv")" ]; } ||
    fail "VENV=$venv: must be a new folder or an environment; this one contains other files"
}

# Prints "3.12" if `$1` is a working Python; status 1 if it cannot build an environment, like
# Debian's Python without python3-venv.
version_of() {
  "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2]); import venv, ensurepip' 2>/dev/null
}

# Prints possible paths of Pythons, best first. Uses pyenv's real paths, because its shims exist for
# versions that are not installed; for the same reason, every candidate is run.
candidates() {
  local version
  if [ -n "${PYTHON:-}" ]; then echo "$PYTHON"; return; fi
  for version in $(engines | cut -d ' ' -f 1); do echo "python$version"; done
  printf '%s\n' python3 python
  ls -d "${PYENV_ROOT:-${HOME:-}/.pyenv}"/versions/*/bin/python 2>/dev/null | sort -rV || true
  if command -v uv >/dev/null; then
    ls -d "$(uv python dir 2>/dev/null)"/*/bin/python3 2>/dev/null || true
  fi
}

# Sets `pythons` to lines "3.12 /path/to/python" of usable ones, and `found` to all versions seen.
find_pythons() {
  local candidate version
  pythons='' found=''
  while read -r candidate; do
    candidate=$(command -v "$candidate") || continue
    if version=$(version_of "$candidate"); then
      pythons+="$version $candidate"$'\n' found+="$version"$'\n'
    elif [ -n "$version" ]; then
      found+="$version without the modules venv and ensurepip"$'\n'
    fi
  done < <(candidates)
  found=$(sort -uV <<< "$found" | grep . | paste -sd , | sed 's/,/, /g') || true
}

# Whether version $1 (2.9) is at most version $2 (2.13, or - for no bound).
at_most() {
  [ "$2" = - ] || [ $((${1%.*} * 1000 + ${1#*.})) -le $((${2%.*} * 1000 + ${2#*.})) ]
}

# The rows of `engines` that agree with the choices.
fitting_engines() {
  local version engine first last minor
  minor=$(grep -oE '^[0-9]+\.[0-9]+' <<< "${TENSORFLOW:-}") || true
  while read -r version engine first last; do
    [ "${ENGINE:-$engine}" = "$engine" ] || continue
    [ "${PYTHON_VERSION:-$version}" = "$version" ] || continue
    [ -z "$minor" ] || { at_most "$first" "$minor" && at_most "$minor" "$last"; } || continue
    echo "$version $engine $first $last"
  done < <(engines)
}

has_npu_plugin() { [ -z "${TENSORFLOW:-}" ] && "$1" -c 'import npu_bridge' 2>/dev/null; }

# Sets python, version and engine to the first row with a Python. TensorFlow 1.15 has packages only
# for x86_64; elsewhere only the Ascend image has it.
match_python() {
  local candidate path _
  while read -r version engine _; do
    while read -r candidate path; do
      if [ "$candidate" = "$version" ] && { [ "$engine" = newest ] ||
          [ "$(uname -m)" = x86_64 ] || has_npu_plugin "$path"; }; then
        python=$path
        return 0
      fi
    done <<< "$pythons"
  done <<< "$1"
  return 1
}

# Installs the first fitting Python with uv, if that exists; Python 3.7 only on request.
fetch_python() {
  local version
  version=$(grep " ${ENGINE:-newest} " <<< "$1" | head -n 1 | cut -d ' ' -f 1)
  [ -z "${PYTHON:-}" ] && [ -n "$version" ] && command -v uv >/dev/null &&
    uv python install "$version" >/dev/null 2>&1 && find_pythons
}

# The given choices, for messages: "ENGINE=newest PYTHON_VERSION=3.12".
given() {
  local name all=''
  for name in ENGINE PYTHON_VERSION PYTHON TENSORFLOW; do
    [ -z "${!name:-}" ] || all+=" $name=${!name}"
  done
  echo "${all# }"
}

# Rows of `engines` for messages: "3.7 (TensorFlow 1.15), 3.9 (TensorFlow 2.13 to 2.20)".
listed() {
  local version first last _
  sort -V | while read -r version _ first last; do
    case "$last" in "$first") last='' ;; -) last=' or newer' ;; *) last=" to $last" ;; esac
    printf '%s (TensorFlow %s%s)\n' "$version" "$first" "$last"
  done | paste -sd , | sed 's/,/, /g'
}

# Sets python, version, engine and why.
choose_python() {
  local fitting asked
  fitting=$(fitting_engines) asked=$(given)
  [ -n "$fitting" ] || fail "$asked: must fit together (Python $(engines | listed))"
  find_pythons
  match_python "$fitting" || { fetch_python "$fitting" && match_python "$fitting"; } ||
    fail "${asked:+$asked: }found ${found:+Python }${found:-no Python}, must be Python" \
      "$(listed <<< "$fitting"); install one or set PYTHON=/path/to/python"
  why=$asked
  [ -n "$why" ] || case "$engine" in
    reference) why='Python 3.7 found' ;;
    newest) why='no Python 3.7 for the reference found' ;;
  esac
}

# Sets tensorflow to the requirement to install, empty if the image has its own.
choose_tensorflow() {
  local gpu='' exact=''
  if has_npu_plugin "$python"; then
    tensorflow='' why+='; npu_bridge imports'
    return
  fi
  case "${TENSORFLOW:-}" in
    gpu) gpu=1 ;;
    cpu) ;;
    *) if nvidia-smi >/dev/null 2>&1; then gpu=1 why+='; an NVIDIA driver answers'
       else why+='; no NVIDIA driver answers'; fi ;;
  esac
  if [[ "${TENSORFLOW:-}" =~ ^[0-9]+\.[0-9]+$ ]]; then exact="==$TENSORFLOW.*"
  elif [[ "${TENSORFLOW:-}" =~ ^[0-9] ]]; then exact="==$TENSORFLOW"
  else exact=$(sed -n 's/^tensorflow//p' "$(requirements_of "$engine")"); fi
  tensorflow=tensorflow
  # The package without CUDA is a quarter of the download; for 1.15 it exists only as 1.15.0.
  if [ -z "$gpu" ] && [ "$(uname -sm)" = 'Linux x86_64' ] &&
      { [ "$engine" = newest ] || [ "$exact" = ==1.15.0 ]; }; then
    tensorflow=tensorflow-cpu
  elif [ -n "$gpu" ] && [ "$engine" = newest ] && [ "$version" != 3.8 ]; then
    tensorflow='tensorflow[and-cuda]'
  fi
  tensorflow+=$exact
}

# Without a choice, keeps the existing environment, as in `make env ENGINE=newest`, `make test`.
recall_choice() {
  [ -z "$(given)" ] && [ -e "$venv/.choice" ] || return 1
  { read -r engine; read -r python; read -r tensorflow; } < "$venv/.choice" || return 1
  why="as built before; ENGINE=, PYTHON_VERSION= or TENSORFLOW= changes it"
  version=$(version_of "$python") && [ -n "$(requirements_of "$engine")" ]
}

install_packages() {
  local packages=$venv/.requirements uv helper
  { grep -v '^tensorflow' "$requirements"; echo "$tensorflow"; } > "$packages"
  uv=$(command -v uv) || uv=$venv/.uv/bin/uv
  for helper in "$venv/bin/python" python3; do  # uv itself has no package for Python 3.7
    [ -x "$uv" ] || "$helper" -m pip install -q --target "$venv/.uv" uv >/dev/null 2>&1 || true
  done
  # pip supports mirrors and certificates that uv does not read.
  { [ -x "$uv" ] && "$uv" pip install -q -p "$venv/bin/python" -r "$packages"; } ||
    "$venv/bin/python" -m pip install -q --disable-pip-version-check -r "$packages"
}

# Rebuilds everything except .choice and .make-lock, so that the folder is recognised as an
# incomplete environment after an interrupted build.
build() {
  local flags=() others
  [ -n "$tensorflow" ] || flags=(--system-site-packages)
  find "$venv/" -mindepth 1 -maxdepth 1 ! -name .make-lock ! -name .choice -exec rm -rf {} +
  printf '%s\n' "$engine" "$python" "$tensorflow" > "$venv/.choice"
  "$python" -m venv ${flags[@]+"${flags[@]}"} "$venv"
  install_packages ||
    abort "the packages did not install into $venv (the cause is above; the same command tries" \
      'again)'
  # uv compiles no module, and without compiled ones TensorFlow takes 14 instead of 4 seconds to
  # import: an import writes them, unless the user's environment prevents it.
  unset PYTHONDONTWRITEBYTECODE
  "$venv/bin/python" -c 'import tensorflow as tf; print("ready: TensorFlow", tf.__version__)' \
    2> "$venv/.import" || {
    tail -n 5 "$venv/.import" >&2
    abort "TensorFlow was installed into $venv, but does not import there"
  }
  others='cv2, evo.core.trajectory, imageio, matplotlib.pyplot, pytest, scipy.spatial, tensorboard'
  "$venv/bin/python" -c "import $others" 2> /dev/null || true
  echo "$complete" > "$venv/.complete"
}

venv=${VENV:-.venv}
case "$venv" in /*) ;; *) venv=$PWD/$venv ;; esac
check_choices
recall_choice || { choose_python; choose_tensorflow; }
requirements=$(requirements_of "$engine")
complete="$engine $python $tensorflow $(cksum < "$requirements")"
echo "environment $venv: $engine engine, Python $version," \
  "${tensorflow:-TensorFlow of the image} ($why)"
mkdir -p "$venv"
if command -v flock >/dev/null; then  # makes a second `make` wait
  # Not .lock: uv uses a lock of that name and would wait for this script.
  exec 9> "$venv/.make-lock"
  flock 9
fi
if [ "$(cat "$venv/.complete" 2>/dev/null)" != "$complete" ]; then build; fi
