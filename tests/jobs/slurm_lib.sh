# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Shared by slurm_up.sh and slurm_down.sh: which processes are ours. $S is the state folder.
# A process is ours if its pid was recorded there and it still has the same start time: pids are
# reused.

# start_of PID: its start time in clock ticks after boot; fails for zombies and the dead.
start_of() {
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  # shellcheck disable=SC2086  # the fields after the name
  set -- ${stat##*) }
  [ "$1" != Z ] && echo "${20}"
}

record() { echo "$2 $(start_of "$2")" >"$S/pids/$1"; } # NAME PID
pid_of() { cut -d' ' -f1 "$S/pids/$1"; }

alive() {
  local pid ticks
  [ -r "$S/pids/$1" ] && read -r pid ticks <"$S/pids/$1" && [ "$(start_of "$pid")" = "$ticks" ]
}

# wait_gone NAME SECONDS
wait_gone() {
  for _ in $(seq $(($2 * 10))); do
    alive "$1" || return 0
    sleep 0.1
  done
  return 1
}
