#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Builds the kernels from sources alone, on a machine with a compiler, CMake and ninja but without
# network, MPI or installed libraries, then runs their tests and micro-benchmarks: on a CUDA device
# where there is nvcc, else on the host.
#
#   scripts/device.sh --kokkos DIR --googletest DIR [--benchmark DIR] [OPTION]... [STAGE]...
#
#   --kokkos DIR, --googletest DIR, --benchmark DIR   source folders; without Google Benchmark the
#                     stage bench is left out
#   --backend NAME    CUDA, OPENMP or SERIAL (CUDA where nvcc is found, else OPENMP)
#   --arch NAME       of the device, as Kokkos calls it, e.g. HOPPER90 (that of the device here)
#   --out DIR         folder of all that is built and written (build/device)
#   --jobs N          compile jobs (all cores)
#   --tests REGEX, --filter REGEX   of the tests and of the benchmarks
#   --only REGEX, --rounds N   of the comparisons: cases, e.g. 'fno|poisson3d-P1-64', and rounds (5)
#
# Stages: build test bench; these three if none is given. A later call goes on where one ended.
# peers-nn compares moho-bench with PyTorch's networks, peers-fem with assembly in PyTorch, peers
# is both (reference/peers): with the first python3 that has torch and numpy, as it is and through
# torch.compile.
# Writes OUT/log.txt, OUT/tests.xml, OUT/micro.json and OUT/peers. Exit code 0 only if all stages
# succeeded.
# shellcheck disable=SC2317 # functions are called through `timed`
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/common.sh
source "$root/scripts/common.sh"

kokkos='' googletest='' benchmark='' backend='' arch='' out=$root/build/device jobs=$(job_count)
tests=. filter=. only=. rounds=5 stages=()
while [ $# -gt 0 ]; do
  case $1 in
    --kokkos | --googletest | --benchmark | --backend | --arch | --out | --jobs | --tests | \
      --filter | --only | --rounds)
      if [ $# -lt 2 ]; then die "$1 needs a value (see --help)"; fi
      printf -v "${1#--}" %s "$2"
      shift ;;
    build | test | bench | peers-nn | peers-fem) stages+=("$1") ;;
    peers) stages+=(peers-nn peers-fem) ;;
    -h | --help) sed -n '3,23s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) die "unknown option '$1' (see --help)" ;;
  esac
  shift
done
if [ ${#stages[@]} = 0 ]; then stages=(build test bench); fi
if [ -z "$backend" ]; then
  backend=OPENMP
  if command -v nvcc >/dev/null; then backend=CUDA; fi
fi
mkdir -p "$out"
out=$(cd "$out" && pwd)
for folder in kokkos googletest benchmark; do # they are used from elsewhere
  if [ -n "${!folder}" ]; then printf -v "$folder" %s "$(realpath "${!folder}")"; fi
done
exec > >(tee -a "$out/log.txt") 2>&1

# install NAME SOURCE OPTION...: into $out/deps, once.
install() {
  local name=$1 source=$2
  shift 2
  if [ -e "$out/$name/done" ]; then return; fi
  if [ ! -f "$source/CMakeLists.txt" ]; then die "no sources of $name in '$source' (see --help)"; fi
  if ! {
    cmake -S "$source" -B "$out/$name" -G Ninja -DCMAKE_BUILD_TYPE=Release \
      -DCMAKE_CXX_STANDARD=20 -DCMAKE_INSTALL_PREFIX="$out/deps" -DCMAKE_INSTALL_LIBDIR=lib "$@" &&
      cmake --build "$out/$name" -j "$jobs" --target install
  } >"$out/$name.log" 2>&1; then
    tail -n 30 "$out/$name.log"
    die "cannot build $name (see $out/$name.log)"
  fi
  touch "$out/$name/done"
}

build() {
  local options=(-DKokkos_ENABLE_SERIAL=ON) mine=() preset=serial
  case $backend in
    CUDA)
      preset=kernels-cuda
      options+=(-DKokkos_ENABLE_CUDA=ON "-DCMAKE_CXX_COMPILER=$kokkos/bin/nvcc_wrapper")
      if [ -n "$arch" ]; then options+=("-DKokkos_ARCH_$arch=ON"); fi
      mine+=("-DCMAKE_CXX_COMPILER=$out/deps/bin/nvcc_wrapper") ;;
    OPENMP) preset=openmp; options+=(-DKokkos_ENABLE_OPENMP=ON) ;;
    SERIAL) ;;
    *) die "unknown backend '$backend' (CUDA, OPENMP or SERIAL)" ;;
  esac
  timed "Kokkos with $backend" install kokkos "$kokkos" "${options[@]}"
  timed "GoogleTest" install googletest "$googletest" -DBUILD_GMOCK=OFF
  if [ -n "$benchmark" ]; then
    timed "Google Benchmark" install benchmark "$benchmark" -DBENCHMARK_ENABLE_TESTING=OFF \
      -DBENCHMARK_ENABLE_GTEST_TESTS=OFF -DBENCHMARK_ENABLE_WERROR=OFF
  fi
  cmake --preset "$preset" -B "$out/moho" -DMOHO_KERNELS_ONLY=ON -DCMAKE_PREFIX_PATH="$out/deps" \
    "${mine[@]}" || return
  timed "kernels, tests and benchmarks" cmake --build "$out/moho" -j "$jobs" -- -k 0
}

run_tests() {
  ctest --test-dir "$out/moho" -R "$tests" -LE slow -j 4 --timeout 300 --no-tests=error \
    --output-on-failure --output-junit "$out/tests.xml"
}

run_benchmarks() {
  if [ ! -x "$out/moho/moho-bench" ]; then say "no moho-bench (give --benchmark)"; return; fi
  "$out/moho/moho-bench" --benchmark_filter="$filter" --moho_keep_noisy \
    --benchmark_out="$out/micro.json" --benchmark_out_format=json
}

# python_with MODULE...: the first of the path that has them.
python_with() {
  local python
  for python in $(type -ap python3); do
    if "$python" -c "import $(IFS=,; echo "$*")" 2>/dev/null; then echo "$python"; return; fi
  done
  return 1
}

# compare SCRIPT OPTION...: moho-bench beside PyTorch, on the device where moho-bench is for one.
compare() {
  local script=$1 python device=cpu
  shift
  if [ "$backend" = CUDA ]; then device=cuda; fi
  if ! python=$(python_with torch numpy); then
    say "no python3 of the path has torch and numpy"
    return 1
  fi
  "$python" "reference/peers/$script" --build "$out/moho" --out "$out/peers" --device "$device" \
    --torch "$python" --compiled "$python" --rounds "$rounds" --seconds 0.2 --only "$only" "$@"
}

cd "$root"
code=0
for stage in "${stages[@]}"; do
  case $stage in
    build) build || code=1 ;;
    test) timed "tests" run_tests || code=1 ;;
    bench) timed "benchmarks" run_benchmarks || code=1 ;;
    peers-nn)
      timed "networks beside PyTorch" \
        compare nn_speed.py --types f32 --what train infer || code=1 ;;
    peers-fem) timed "assembly beside PyTorch" compare fem_device_speed.py || code=1 ;;
  esac
done
say "exit code $code; what was written is in $out"
exit "$code"
