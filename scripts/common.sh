# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What quickstart.sh and check.sh share. Sourced after `set -euo pipefail`, with $root set.

: "${root:?}"

say() { printf '\n== %s\n' "$*"; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# packages_of GROUP...: names in scripts/packages.txt.
packages_of() {
  local group
  for group in "$@"; do awk -v g="$group" '$1 == g { print $2 }' "$root/scripts/packages.txt"; done
}

# missing_packages GROUP...: those that are not installed.
missing_packages() {
  local package
  for package in $(packages_of "$@"); do
    if [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
      echo "$package"
    fi
  done
}

# install_packages GROUP...: by apt-get, as root or by `sudo -n`; else prints the line to run and
# exits with 1. With no_install=1 nothing is installed: CMake will say what is missing.
install_packages() {
  local missing=() sudo=() line
  if [ "${no_install:-0}" = 1 ]; then return; fi
  command -v dpkg-query >/dev/null ||
    die "this is not Debian; install what scripts/packages.txt lists, then use --no-install"
  mapfile -t missing < <(missing_packages "$@")
  if [ ${#missing[@]} = 0 ]; then return; fi
  line="apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
  if [ "$(id -u)" != 0 ]; then
    if ! sudo -n true 2>/dev/null; then
      printf '%s\n' "missing packages. As root, run this line, then start again:" "$line" >&2
      exit 1
    fi
    sudo=(sudo -n)
  fi
  say "installing ${#missing[@]} packages: ${missing[*]}"
  "${sudo[@]}" apt-get update -qq || die "apt-get update failed (no network?) see above"
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    "${missing[@]}" >"$root/build/apt.log" 2>&1 ||
    { tail -n 20 "$root/build/apt.log" >&2; die "apt-get install failed (see build/apt.log)"; }
}

# use_mpi: the environment for OpenMPI on one machine: as root, in containers, on few cores.
use_mpi() {
  if [ "$(id -u)" = 0 ]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
  export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1
  export OMPI_MCA_btl_vader_single_copy_mechanism=none
  export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 OMP_PROC_BIND=false
}

# core_count: cores this process may use. (nproc would count those of OMP_NUM_THREADS.)
core_count() { env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc; }

# job_count: compile jobs, as many as cores but one per 2 GB of memory.
job_count() {
  local cores memory
  cores=$(core_count)
  memory=$(($(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo) / 2000000))
  if [ "$memory" -lt 1 ]; then memory=1; fi
  echo $((cores < memory ? cores : memory))
}

# timed WHAT COMMAND...: runs it and says how long it took.
timed() {
  local what=$1 start=$SECONDS
  shift
  say "$what"
  "$@" || return
  printf '%s: %d s\n' "$what" $((SECONDS - start))
}
