#!/usr/bin/env bash
# Installs the Horovod that fits the environment's TensorFlow. The first time, builds a wheel from
# source, which takes two minutes on two idle cores, and keeps it in .wheels.
#
#   VENV=.venv scripts/install_horovod.sh
#
# TensorFlow 1.15 gets Horovod 0.24.3, TensorFlow 2 gets 0.28.1. Gradients are exchanged through the
# CPU (Gloo), or between GPUs if TensorFlow has CUDA and both nvcc and NCCL are found
# (HOROVOD_NCCL_HOME=FOLDER gives the folder of NCCL).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/shell.sh"
cd "$root"

venv=${VENV:-.venv}
[ -x "$venv/bin/python" ] || fail "VENV=$venv: must be an environment (scripts/setup_env.sh)"
venv=$(cd "$venv" && pwd)
python=$venv/bin/python
if "$python" -c 'import horovod.tensorflow' 2>/dev/null; then exit 0; fi

uv=$(command -v uv) || uv=$venv/.uv/bin/uv
install() {
  if [ -x "$uv" ]; then "$uv" pip install -q -p "$python" "$@"
  else "$python" -m pip install -q --disable-pip-version-check "$@"; fi
}

# Sets nccl to the folder of NCCL's headers and library; empty without CUDA or one of its parts.
find_nccl() {
  local folder
  nccl=''
  command -v nvcc >/dev/null || return 0
  "$python" -c 'import sys, tensorflow as tf; sys.exit(not tf.test.is_built_with_cuda())' \
    2>/dev/null || return 0
  for folder in "${HOROVOD_NCCL_HOME:-}" "$venv"/lib/python3*/site-packages/nvidia/nccl \
      /usr/local/cuda /usr /usr/local; do
    if [ -n "$folder" ] && [ -e "$folder/include/nccl.h" ]; then nccl=$folder; return; fi
  done
}

# Unpacks the source of Horovod into $work/source and patches it for current systems.
fetch_source() {
  "$python" -m pip download -q --disable-pip-version-check --no-deps --no-build-isolation \
    --no-binary :all: -d "$work" "horovod==$release" > "$log" 2>&1 || return 1
  mkdir "$work/source"
  tar xzf "$work/horovod-$release.tar.gz" -C "$work/source" --strip-components=1
  # These operations for XLA need headers (highwayhash) that TensorFlow's package lacks.
  if [ "$release" = 0.28.1 ]; then
    sed -i '/xla_mpi_ops\.cc/d' "$work/source/horovod/tensorflow/CMakeLists.txt"
  fi
  # The Gloo in both releases does not build with the headers of newer kernels, unless they report
  # an older version.
  mkdir -p "$work/include/linux"
  cat > "$work/include/linux/version.h" <<'H'
#define LINUX_VERSION_CODE 199168
#define KERNEL_VERSION(a,b,c) (((a) << 16) + ((b) << 8) + (c))
H
}

# Builds $work/wheel/horovod-*.whl.
compile() {
  local gpu=()
  if [ -n "$nccl" ]; then
    ln -s "$nccl" "$work/nccl"
    # NCCL from pip has only a versioned library name.
    mkdir "$work/lib" && ln -s "$(ls "$nccl"/lib*/libnccl.so* | head -n 1)" "$work/lib/libnccl.so"
    gpu=(HOROVOD_GPU_OPERATIONS=NCCL HOROVOD_NCCL_LINK=SHARED
         HOROVOD_NCCL_INCLUDE="$work/nccl/include" HOROVOD_NCCL_LIB="$work/lib"
         HOROVOD_CUDA_HOME="$(dirname "$(dirname "$(realpath "$(command -v nvcc)")")")")
  fi
  env PATH="$work/venv/bin:$PATH" CPLUS_INCLUDE_PATH="$work/include" \
    CXXFLAGS='-include array -include cstdint' CMAKE_POLICY_VERSION_MINIMUM=3.5 \
    MAKEFLAGS="-j$(nproc)" ${gpu[@]+"${gpu[@]}"} \
    HOROVOD_WITH_TENSORFLOW=1 HOROVOD_WITH_GLOO=1 HOROVOD_WITHOUT_MPI=1 \
    HOROVOD_WITHOUT_PYTORCH=1 HOROVOD_WITHOUT_MXNET=1 \
    "$work/venv/bin/python" -m pip wheel --no-deps --no-build-isolation --no-cache-dir \
    -w "$work/wheel" "$work/source" >> "$log" 2>&1
}

# Prints the line of the log that says why the build failed.
cause() {
  local line
  line=$(grep -m 1 -E 'No space left|Killed signal|internal compiler error' "$log" ||
         grep -m 1 -E '(fatal error|[^a-z]error): |CMake Error at' "$log" ||
         grep -m 1 -E '^ERROR|Error: ' "$log" || tail -n 1 "$log")
  echo "$line" | sed 's/^ *//' | cut -c 1-300
}

# A wheel fits one version of TensorFlow and Python, with or without NCCL.
tag=$("$python" -c 'import sys, tensorflow as tf
print("tf%s-cp%d%d" % ((tf.__version__,) + sys.version_info[:2]))' 2>/dev/null) ||
  fail "VENV=$venv: must have a TensorFlow that imports (scripts/setup_env.sh)"
case "$tag" in
  tf1.*) release=0.24.3 setuptools='setuptools<60' ;;
  *) release=0.28.1 setuptools=setuptools ;;
esac
find_nccl
folder=$PWD/.wheels/$tag${nccl:+-nccl}
install cloudpickle psutil PyYAML cffi packaging

if ! ls "$folder/horovod-$release"-*.whl >/dev/null 2>&1; then
  for tool in g++ make; do
    command -v "$tool" >/dev/null ||
      fail "building Horovod needs $tool (apt-get install build-essential)"
  done
  echo "building Horovod $release for $tag${nccl:+ with NCCL of $nccl};" \
    'this takes some minutes, once'
  install "$setuptools" wheel pip
  # CMake 3.13 or newer, but not 4, which cannot read the build files of Horovod's dependencies.
  command -v cmake >/dev/null && cmake --version | grep -qE ' 3\.(1[3-9]|[2-9][0-9])' ||
    install 'cmake<4'
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  log=$work/build.log
  ln -s "$venv" "$work/venv"  # the build fails if the path of TensorFlow contains a space
  fetch_source && compile || {
    tail -n 20 "$log" >&2
    abort "Horovod $release did not build for $tag: $(cause)"
  }
  mkdir -p "$folder"
  cp "$work"/wheel/horovod-*.whl "$folder/.new.whl"
  mv "$folder/.new.whl" "$folder/$(basename "$work"/wheel/horovod-*.whl)"
fi
install --no-deps "$folder/horovod-$release"-*.whl
"$python" -c 'import horovod.tensorflow' 2>/dev/null ||
  abort "Horovod $release was installed into $venv, but does not import there"
