#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# moho beside its peers on one pinned core: reliability table, then speed. Makes the virtual
# environment and the build where they are missing; a peer that cannot be installed is left out,
# and the records say so.
# usage: run.sh --venv DIR --build DIR --out DIR [--core N] [arguments of speed.py]
# e.g. --rounds 21, --models 16, --only '^phase', --without surf96
# DIR of --venv and --build: outside of the checkout. Debian: apt-get install python3-venv
# python3-numba gfortran
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv='' build='' out='' core=0
rest=()
MOHO_PEERS_COMMAND=$(printf '%s\n' reference/peers/run.sh "$@") # for the records
export MOHO_PEERS_COMMAND
while (($#)); do
  case $1 in
  --venv | --build | --out | --core)
    (($# > 1)) || { echo "run.sh: $1 needs a value" >&2; exit 1; }
    declare "${1#--}=$2"
    shift 2
    ;;
  -h | --help)
    sed -n '3,9s/^# //p' "${BASH_SOURCE[0]}"
    exit 0
    ;;
  *)
    rest+=("$1")
    shift
    ;;
  esac
done
if [[ -z $venv || -z $build || -z $out ]]; then
  echo "run.sh: --venv, --build and --out are needed (see --help)" >&2
  exit 1
fi
if [[ ! -x $venv/bin/python ]]; then
  # Debian's own interpreter: its numba and numpy are seen through --system-site-packages.
  /usr/bin/python3 -m venv --system-site-packages "$venv"
fi
for package in disba==0.7.0 pysurf96==1.0.1; do
  "$venv/bin/python" -c "import ${package%%=*}" 2>/dev/null ||
    "$venv/bin/python" -m pip install --quiet --no-deps "$package" ||
    echo "run.sh: $package cannot be installed; going on without it" >&2
done
cmake -S "$here" -B "$build" -DCMAKE_BUILD_TYPE=Release >/dev/null
cmake --build "$build" --target moho_peer
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1
status=0
taskset -c "$core" "$venv/bin/python" "$here/reliability.py" --driver "$build/moho_peer" \
  --out "$out" || status=$?
((status == 0 || status == 2)) || exit "$status" # 2: a record is invalid; the rest is still wanted
taskset -c "$core" "$venv/bin/python" "$here/speed.py" --driver "$build/moho_peer" \
  --out "$out" "${rest[@]}" || status=$?
exit "$status"
