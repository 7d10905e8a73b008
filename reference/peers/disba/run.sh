#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Compares moho with disba on one pinned core. Makes the virtual environment and the build if missing.
# usage: run.sh --venv DIR --build DIR --out DIR [--core N] [arguments of compare.py]
# DIR of --venv and --build: outside of the checkout. Debian: apt-get install python3-venv python3-numba
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv='' build='' out='' core=0
rest=()
while (($#)); do
  case $1 in
  --venv | --build | --out | --core)
    (($# > 1)) || { echo "run.sh: $1 needs a value" >&2; exit 1; }
    declare "${1#--}=$2"
    shift 2
    ;;
  -h | --help)
    sed -n '3,5s/^# //p' "${BASH_SOURCE[0]}"
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
  # Debian's own interpreter: its numba is seen through --system-site-packages.
  /usr/bin/python3 -m venv --system-site-packages "$venv"
fi
"$venv/bin/python" -c 'import disba' 2>/dev/null ||
  "$venv/bin/python" -m pip install --quiet --no-deps disba==0.7.0
cmake -S "$here" -B "$build" -DCMAKE_BUILD_TYPE=Release >/dev/null
cmake --build "$build" --target moho_curves
exec taskset -c "$core" "$venv/bin/python" "$here/compare.py" --driver "$build/moho_curves" \
  --out "$out" "${rest[@]}"
