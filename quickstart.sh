#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# From a fresh clone to a report: installs what is missing (Debian 12), builds, runs a dispersion
# benchmark on real Earth models under MPI on two ranks, and writes one HTML page.
#
#   ./quickstart.sh [--no-install] [--out DIR]
#
# --no-install  install nothing (clusters: load modules first, set Kokkos_ROOT)
# --out DIR     run folder [runs/quickstart]; finished cases are skipped when it is run again
#
# Exit codes: 0 all valid, 1 cannot be done, 2 a result is invalid, 4 a case crashed.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/common.sh
source "$root/scripts/common.sh"
out=$root/runs/quickstart no_install=0

while [ $# -gt 0 ]; do
  case $1 in
    --no-install) no_install=1; shift ;;
    --out) [ $# -gt 1 ] || die "--out needs a folder"; out=$(realpath -m "$2"); shift 2 ;;
    -h | --help) sed -n '3,12s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) die "unknown option '$1' (see --help)" ;;
  esac
done
cd "$root"
mkdir -p build

# run RANKS STUDY: keeps the worst exit code and goes on.
worst=0
run() {
  local code=0
  mpirun -n "$1" --bind-to core:overload-allowed build/serial/moho run "$2" --out "$out" || code=$?
  if [ "$code" -gt "$worst" ]; then worst=$code; fi
}

install_packages build run
say "configure"
cmake --preset serial >build/configure.log 2>&1 ||
  { cat build/configure.log >&2; die "cmake could not configure (see above)"; }
timed "build" cmake --build --preset serial --target moho -j "$(job_count)"

use_mpi
start=$SECONDS
say "where the ranks run"
mpirun -n 2 --bind-to core:overload-allowed build/serial/moho info --binding
say "an ak135-like Earth and a 256-node grid, 2 ranks"
run 2 benchmarks/ci/dispersion-quickstart.toml
say "speed, 2 ranks"
run 2 benchmarks/smoke/dispersion-throughput.toml
say "scaling, 1 and 2 ranks"
run 1 benchmarks/smoke/dispersion-scaling.toml
run 2 benchmarks/smoke/dispersion-scaling.toml
say "where linear maps generalize, and how fast errors fall, 2 ranks"
run 2 benchmarks/ci/crossval-poisson.toml
run 2 benchmarks/ci/convergence-fd.toml
say "finite elements: orders, an optimised design, ways to assemble, 1 and 2 ranks"
run 2 benchmarks/ci/fem-square.toml
run 2 benchmarks/ci/fem-disk.toml
run 1 benchmarks/ci/fem-compliance.toml
run 1 benchmarks/smoke/fem-policies.toml
say "neural operators beside trivial and linear answers, 2 ranks"
run 2 benchmarks/ci/nn-burgers.toml
say "report"
build/serial/moho report "$out" -o "$out/report.html"
printf 'runs and report: %d s\n' $((SECONDS - start))
if [ "$worst" != 0 ]; then
  echo "quickstart.sh: not all results are valid (exit code $worst), see the report" >&2
fi
exit "$worst"
