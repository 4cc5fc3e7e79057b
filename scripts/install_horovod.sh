#!/usr/bin/env bash
# Installs Horovod 0.24.3 (Gloo on CPU) into the environment, from a wheel kept in .wheels or,
# the first time, built from source: about six minutes on two cores.
#
#   VENV=.venv scripts/install_horovod.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
venv=$(realpath "${VENV:-.venv}")
python=$venv/bin/python
wheels=$PWD/.wheels

if "$python" -c 'import horovod.tensorflow' 2>/dev/null; then exit 0; fi
if [ ! -x "$python" ]; then
  echo "error: no environment at $venv; run scripts/setup_env.sh first" >&2
  exit 2
fi

uv=$(command -v uv || true)
[ -n "$uv" ] || { [ -x "$venv/.uv/bin/uv" ] && uv=$venv/.uv/bin/uv; }
install() {
  if [ -n "$uv" ]; then "$uv" pip install -q -p "$python" "$@"
  else "$python" -m pip install -q --disable-pip-version-check "$@"; fi
}

# One wheel fits one TensorFlow and one Python.
tag=$("$python" -c 'import sys, tensorflow as tf; print("tf%s-cp%d%d" % ((tf.__version__,) + sys.version_info[:2]))' 2>/dev/null)
folder=$wheels/$tag
install cloudpickle==2.2.1 psutil PyYAML cffi

if ! ls "$folder"/horovod-*.whl >/dev/null 2>&1; then
  for tool in g++ make; do
    command -v "$tool" >/dev/null || { echo "error: building Horovod needs $tool" >&2; exit 2; }
  done
  echo "building Horovod 0.24.3 for $tag; this takes some minutes, once"
  install 'setuptools<60' wheel
  command -v cmake >/dev/null || install 'cmake<4'
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  # The Gloo in this release does not fit the headers of newer kernels; it builds against the
  # interface it knows when the headers report an older one.
  mkdir -p "$work/include/linux" "$work/wheel"
  ln -s "$venv" "$work/venv"  # its build does not survive a space in the path of TensorFlow
  cat > "$work/include/linux/version.h" <<'H'
#define LINUX_VERSION_CODE 199168
#define KERNEL_VERSION(a,b,c) (((a) << 16) + ((b) << 8) + (c))
H
  log=$work/build.log
  if ! PATH="$work/venv/bin:$PATH" CPLUS_INCLUDE_PATH="$work/include" CXXFLAGS='-include array' \
      MAKEFLAGS="-j$(nproc)" HOROVOD_WITH_TENSORFLOW=1 HOROVOD_WITH_GLOO=1 \
      HOROVOD_WITHOUT_MPI=1 HOROVOD_WITHOUT_PYTORCH=1 HOROVOD_WITHOUT_MXNET=1 \
      "$work/venv/bin/python" -m pip wheel --no-deps --no-build-isolation --no-cache-dir \
      -w "$work/wheel" horovod==0.24.3 > "$log" 2>&1; then
    grep -n -m 5 "error:" "$log" >&2 || true
    tail -n 20 "$log" >&2
    echo 'error: Horovod did not build; the end of its log is above' >&2
    exit 1
  fi
  mkdir -p "$folder"
  cp "$work"/wheel/horovod-*.whl "$folder/.new.whl"
  mv "$folder/.new.whl" "$folder/$(basename "$work"/wheel/horovod-*.whl)"
fi
install --no-deps "$folder"/horovod-*.whl
"$python" -c 'import horovod.tensorflow'
