#!/usr/bin/env bash
# Builds the Python environment of this repository, once.
#
#   scripts/setup_env.sh                     finds Python 3.7, installs into .venv
#   PYTHON=/path/to/python scripts/setup_env.sh
#   TENSORFLOW=gpu scripts/setup_env.sh      tensorflow==1.15.0 even where no GPU is seen
#   TENSORFLOW=intel scripts/setup_env.sh    intel-tensorflow==1.15.2 into .venv-intel
#   VENV=/elsewhere scripts/setup_env.sh     another folder
#
# Where no Python 3.7 is found, Python 3.8 to 3.11 with TensorFlow 2.12 serves instead.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

# Candidates for one version, best first. pyenv's shims answer to python3.7 and then fail, hence
# the real paths, and hence every candidate is run before it is believed.
candidates() {
  local version=$1 root
  echo "python$version"
  root=${PYENV_ROOT:-$HOME/.pyenv}
  ls -d "$root"/versions/"$version"*/bin/python 2>/dev/null | sort -rV || true
  for root in "$HOME"/miniconda3 "$HOME"/anaconda3 /opt/conda ${CONDA_PREFIX:-}; do
    ls -d "$root"/bin/python "$root"/envs/*/bin/python 2>/dev/null || true
  done
  if command -v uv >/dev/null; then uv python find "$version" 2>/dev/null || true; fi
}

find_python() {
  local version candidate
  for version in "$@"; do
    while read -r candidate; do
      if [ "$(version_of "$candidate")" = "$version" ]; then
        command -v "$candidate"
        return 0
      fi
    done < <(candidates "$version")
  done
  return 1
}

fetch_python37() {  # conda and uv can bring an interpreter where the network allows it
  if command -v uv >/dev/null && uv python install 3.7 >/dev/null 2>&1; then
    uv python find 3.7
  elif command -v conda >/dev/null && conda create -qy -p .conda37 python=3.7 >/dev/null 2>&1; then
    echo "$PWD/.conda37/bin/python"
  else
    return 1
  fi
}

if [ -n "${PYTHON:-}" ]; then
  case "$(version_of "$PYTHON" || true)" in
    3.7|3.8|3.9|3.10|3.11) python=$(command -v "$PYTHON") ;;
    '') echo "error: PYTHON=$PYTHON is not a Python that runs" >&2; exit 2 ;;
    *) echo "error: PYTHON=$PYTHON is Python $(version_of "$PYTHON"); wanted 3.7 (or 3.8 to 3.11)" >&2
       exit 2 ;;
  esac
else
  python=$(find_python 3.7 || fetch_python37 || find_python 3.10 3.11 3.9 3.8) || {
    echo "error: no Python 3.7 to 3.11 found; install one or set PYTHON=/path/to/python" >&2
    exit 2
  }
fi
version=$(version_of "$python")

requirements=requirements.txt
venv_flags=()
venv=${VENV:-.venv}
case "${TENSORFLOW:-auto}" in
  intel) tensorflow=intel-tensorflow==1.15.2; venv=${VENV:-.venv-intel} ;;
  gpu) tensorflow=tensorflow==1.15.0 ;;
  cpu) tensorflow=tensorflow-cpu==1.15.0 ;;
  auto) tensorflow=tensorflow-cpu==1.15.0
        if nvidia-smi >/dev/null 2>&1; then tensorflow=tensorflow==1.15.0; fi ;;
  *) echo "error: TENSORFLOW=$TENSORFLOW; wanted auto, cpu, gpu or intel" >&2; exit 2 ;;
esac
if [ "$version" != 3.7 ]; then
  requirements=requirements-tf2.txt
  tensorflow=$(grep '^tensorflow' "$requirements")
fi
if [ "${TENSORFLOW:-auto}" = auto ] && "$python" -c 'import npu_bridge' 2>/dev/null; then
  tensorflow=''   # an Ascend image: its own TensorFlow and plugin are the right ones
  venv_flags=(--system-site-packages)
fi

wanted="$python $tensorflow $(cksum < "$requirements")"
if [ "$(cat "$venv/.complete" 2>/dev/null)" = "$wanted" ]; then
  exit 0
fi

echo "environment $venv: Python $version, ${tensorflow:-TensorFlow of the image}"
rm -rf "$venv"
"$python" -m venv ${venv_flags[@]+"${venv_flags[@]}"} "$venv"
packages=$(mktemp)
trap 'rm -f "$packages"' EXIT
{ grep -v '^tensorflow' "$requirements"; echo "$tensorflow"; } > "$packages"
uv=$(command -v uv || true)
if [ -z "$uv" ] && python3 -m pip install -q --target "$venv/.uv" uv >/dev/null 2>&1; then
  uv=$venv/.uv/bin/uv
fi
if [ -n "$uv" ]; then
  "$uv" pip install -q -p "$venv/bin/python" -r "$packages"
else
  "$venv/bin/python" -m pip install -q --disable-pip-version-check -r "$packages"
fi
echo "$wanted" > "$venv/.complete"
