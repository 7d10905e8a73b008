#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# moho's assembly beside DOLFINx (Debian: python3-dolfinx) and scikit-fem (from PyPI) on one and two
# cores. Makes the virtual environment where it is missing; scikit-fem is left out where it cannot
# be installed.
# usage: run_fem.sh --venv DIR --moho BUILD/moho --out DIR [arguments of fem_speed.py]
# e.g. --ranks 1, --rounds 3, --only 64, --small
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=''
rest=()
MOHO_PEERS_COMMAND=$(printf '%s\n' reference/peers/run_fem.sh "$@") # for the records
export MOHO_PEERS_COMMAND
while (($#)); do
  case $1 in
  --venv)
    (($# > 1)) || { echo "run_fem.sh: $1 needs a value" >&2; exit 1; }
    venv=$2
    shift 2
    ;;
  -h | --help)
    sed -n '3,7s/^# //p' "${BASH_SOURCE[0]}"
    exit 0
    ;;
  *)
    rest+=("$1")
    shift
    ;;
  esac
done
if [[ -z $venv ]]; then
  echo "run_fem.sh: --venv is needed (see --help)" >&2
  exit 1
fi
if ! /usr/bin/python3 -c 'import dolfinx' 2>/dev/null; then
  echo "run_fem.sh: /usr/bin/python3 has no dolfinx (apt-get install python3-dolfinx)" >&2
  exit 1
fi
if [[ ! -x $venv/bin/python ]]; then
  /usr/bin/python3 -m venv --system-site-packages "$venv"
fi
skfem=()
if "$venv/bin/python" -c 'import skfem' 2>/dev/null ||
  "$venv/bin/python" -m pip install --quiet --no-deps scikit-fem==12.0.2; then
  skfem=(--skfem-python "$venv/bin/python")
else
  echo "run_fem.sh: scikit-fem cannot be installed; going on without it" >&2
fi
exec /usr/bin/python3 "$here/fem_speed.py" "${skfem[@]}" "${rest[@]}"
