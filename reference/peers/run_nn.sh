#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# moho's neural networks beside PyTorch: Debian's (python3-torch, where it is installed) and the
# newest of PyPI, in a virtual environment that is made where it is missing. A PyTorch that cannot
# be had is left out, and said so. pip reads PIP_INDEX_URL: set it to an index of CPU builds to
# spare the download of CUDA's libraries.
# usage: run_nn.sh --venv DIR --build BUILD --out DIR [--compile] [arguments of nn_speed.py]
# --compile adds the newest one through torch.compile (it needs a C++ compiler). Others are
# e.g. --rounds 3, --seconds 1, --only fno, --types f32, --what train infer, --gate
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=''
compile=0
rest=()
MOHO_PEERS_COMMAND=$(printf '%s\n' reference/peers/run_nn.sh "$@") # for the records
export MOHO_PEERS_COMMAND
while (($#)); do
  case $1 in
  --venv)
    (($# > 1)) || { echo "run_nn.sh: $1 needs a value" >&2; exit 1; }
    venv=$2
    shift 2
    ;;
  --compile)
    compile=1
    shift
    ;;
  -h | --help)
    sed -n '3,10s/^# //p' "${BASH_SOURCE[0]}"
    exit 0
    ;;
  *)
    rest+=("$1")
    shift
    ;;
  esac
done
if [[ -z $venv ]]; then
  echo "run_nn.sh: --venv is needed (see --help)" >&2
  exit 1
fi
peers=()
if /usr/bin/python3 -c 'import torch' 2>/dev/null; then
  peers+=(--torch /usr/bin/python3)
else
  echo "run_nn.sh: /usr/bin/python3 has no torch (apt-get install python3-torch);" \
    "going on without it" >&2
fi
if [[ ! -x $venv/bin/python ]]; then
  /usr/bin/python3 -m venv "$venv"
fi
if "$venv/bin/python" -c 'import torch' 2>/dev/null ||
  "$venv/bin/python" -m pip install --quiet torch numpy; then
  peers+=(--torch "$venv/bin/python")
  if ((compile)); then peers+=(--compiled "$venv/bin/python"); fi
else
  echo "run_nn.sh: PyPI's torch cannot be installed; going on without it" >&2
fi
if ((${#peers[@]} == 0)); then
  echo "run_nn.sh: there is no PyTorch to compare with" >&2
  exit 1
fi
exec /usr/bin/python3 "$here/nn_speed.py" "${peers[@]}" "${rest[@]}"
