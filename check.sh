#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Everything a change must pass: installs what is missing (Debian 12), configures, builds, and runs
# every test that is not slow. Says what was skipped; a test that can run here must not be skipped.
#
#   ./check.sh [--no-install]
#
# The last line is `N passed, N failed, N skipped`. Exit code 0 only if nothing failed and nothing
# was skipped without leave.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/common.sh
source "$root/scripts/common.sh"
no_install=0
for option in "$@"; do
  case $option in
    --no-install) no_install=1 ;;
    -h | --help) sed -n '3,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) die "unknown option '$option' (see --help)" ;;
  esac
done
cd "$root"
mkdir -p build

groups=(build run test)
if [ "$(id -u)" = 0 ]; then
  groups+=(slurm)
  # Where a private Slurm can be started, its tests must run; some containers forbid namespaces.
  if unshare --uts --mount true 2>/dev/null; then export MOHO_REQUIRE_SLURM=1; fi
fi
install_packages "${groups[@]}"
say "configure"
cmake --preset serial -DMOHO_TESTS=ON >build/configure.log 2>&1 ||
  { cat build/configure.log >&2; die "cmake could not configure (see above)"; }
timed "build" cmake --build --preset serial -j "$(job_count)"

use_mpi
junit=$root/build/serial/check.xml
rm -f "$junit"
code=0
timed "tests" ctest --preset serial -j "$(core_count)" --no-tests=error --output-junit "$junit" ||
  code=$?
printf 'check.sh: %d s in all\n' "$SECONDS"
python3 scripts/test_summary.py "$junit" "$root/build/serial/Testing/Temporary/LastTest.log" "$code"
