#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Stops what slurm_up.sh started: cancels the jobs, then ends the daemons by their recorded pids,
# then whatever still lives in their private mount namespaces. Safe to run twice.
#
#   slurm_down.sh STATE_DIR
set -uo pipefail
# shellcheck source=tests/jobs/slurm_lib.sh
source "$(cd "$(dirname "$0")" && pwd)/slurm_lib.sh"
if [ $# != 1 ] || ! S=$(cd "$1" 2>/dev/null && pwd -P); then
  echo "usage: slurm_down.sh STATE_DIR" >&2
  exit 1
fi
[ -d "$S/pids" ] || exit 0
export SLURM_CONF=$S/slurm.conf

cancel_jobs() {
  alive slurmctld && alive munged || return 0
  timeout 10 scancel -u root 2>/dev/null
  for _ in $(seq 50); do
    [ -n "$(timeout 5 squeue -h 2>/dev/null)" ] || break
    sleep 0.2
  done
}

# namespaces: those of our daemons, one word each; never the one that this script or init lives in.
namespaces() {
  local file here init one
  here=$(readlink /proc/self/ns/mnt) init=$(readlink /proc/1/ns/mnt)
  for file in "$S"/pids/*; do
    if [ ! -e "$file" ] || ! alive "${file##*/}"; then continue; fi
    one=$(readlink "/proc/$(pid_of "${file##*/}")/ns/mnt")
    if [ -n "$one" ] && [ "$one" != "$here" ] && [ "$one" != "$init" ]; then echo "$one"; fi
  done
}

# end_daemon NAME: TERM, then KILL.
end_daemon() {
  alive "$1" || return 0
  kill -TERM "$(pid_of "$1")"
  wait_gone "$1" 8 && return 0
  kill -KILL "$(pid_of "$1")"
  wait_gone "$1" 2 || { echo "slurm_down: $1 does not end" >&2; rc=1; }
}

rc=0
cancel_jobs
mine=$(namespaces)
# munged last: the others use it
for name in slurmctld $(cd "$S/pids" && compgen -G 'n[0-9]') munged; do
  end_daemon "$name"
  alive "$name" || rm -f "$S/pids/$name"
done
for process in /proc/[0-9]*; do
  one=$(readlink "$process/ns/mnt" 2>/dev/null) || continue
  if [ -n "$one" ] && grep -qxF "$one" <<<"$mine"; then
    kill -KILL "${process#/proc/}" 2>/dev/null
  fi
done
exit $rc
