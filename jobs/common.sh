# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What the job scripts share. Sourced after `set -euo pipefail` and with MOHO_ROOT set; works inside
# a Slurm job and, for a dry try, on one machine without Slurm. Every setting has a default:
#
#   MOHO_EXE            the executable                        [$MOHO_ROOT/build/$MOHO_PRESET/moho]
#   MOHO_PRESET         the preset it was built with          [serial]
#   MOHO_SITE           a file to source first: modules, MPI settings of this cluster    [none]
#   MOHO_MODULES        modules to load, in order             [none]
#   MOHO_LAUNCHER       srun or mpirun                        [srun inside Slurm, else mpirun]
#   MOHO_LAUNCHER_OPTIONS  words added to the launch line     [binding to cores]
#   MOHO_MPI            srun --mpi=... (`srun --mpi=list` shows what there is)  [the cluster's]
#   MOHO_RANKS          ranks, outside Slurm                  [1]
#   MOHO_REQUEUE        1: put the job back into the queue when its time ends   [1]

say() { printf 'moho job: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# load_site: modules and site settings, before anything is looked for.
load_site() {
  if [ -n "${MOHO_SITE:-}" ]; then
    [ -r "$MOHO_SITE" ] || die "cannot read MOHO_SITE=$MOHO_SITE"
    # shellcheck disable=SC1090
    source "$MOHO_SITE"
  fi
  if [ -n "${MOHO_MODULES:-}" ]; then
    command -v module >/dev/null || die "MOHO_MODULES is set, but there is no command 'module' here"
    local name
    set +u # module files of many sites use unset variables
    for name in $MOHO_MODULES; do module load "$name"; done
    set -u
  fi
}

# find_moho: sets `moho`, the executable.
find_moho() {
  moho=${MOHO_EXE:-$MOHO_ROOT/build/${MOHO_PRESET:-serial}/moho}
  [ -x "$moho" ] || die "no executable '$moho' (not built here?)" \
    "build preset ${MOHO_PRESET:-serial} in $MOHO_ROOT, or set MOHO_EXE"
}

# set_launcher: sets the array `launch` and `ranks`, the number of ranks it starts.
set_launcher() {
  local kind=${MOHO_LAUNCHER:-} options
  if [ -z "$kind" ]; then
    kind=mpirun
    if [ -n "${SLURM_JOB_ID:-}" ] && command -v srun >/dev/null; then kind=srun; fi
  fi
  command -v "$kind" >/dev/null ||
    die "no '$kind' in PATH (module not loaded?) set MOHO_LAUNCHER or MOHO_MODULES"
  ranks=${SLURM_NTASKS:-${MOHO_RANKS:-1}}
  export OMP_NUM_THREADS=${OMP_NUM_THREADS:-${SLURM_CPUS_PER_TASK:-1}}
  export OMP_PROC_BIND=${OMP_PROC_BIND:-close} OMP_PLACES=${OMP_PLACES:-cores}
  export OPENBLAS_NUM_THREADS=${OPENBLAS_NUM_THREADS:-1}
  case $kind in
    srun)
      # srun no longer inherits --cpus-per-task from sbatch (Slurm 22.05 and later)
      if [ -n "${SLURM_CPUS_PER_TASK:-}" ]; then export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK; fi
      options=${MOHO_LAUNCHER_OPTIONS---cpu-bind=cores}
      # The ranks agree on an exit code. srun's own way with the first that has one, to kill the
      # others, would make it 143; half a minute later a rank that hangs is killed.
      launch=(srun --kill-on-bad-exit=0 --wait=30)
      if [ -n "${MOHO_MPI:-}" ]; then launch+=("--mpi=$MOHO_MPI"); fi
      ;;
    mpirun)
      unset SLURM_EXPORT_ENV # --export=NONE would strip the environment of mpirun's own srun
      options=${MOHO_LAUNCHER_OPTIONS---bind-to core --map-by slot:PE=$OMP_NUM_THREADS}
      launch=(mpirun -n "$ranks")
      ;;
    *) die "MOHO_LAUNCHER=$kind is neither srun nor mpirun" ;;
  esac
  read -r -a options <<<"$options"
  launch+=("${options[@]}")
}

# preflight: prints the binding, and refuses to go on when the launcher does not start one MPI job
# of `ranks` ranks. (A wrong --mpi= starts many jobs of one rank, all writing the same records.)
preflight() {
  local text
  text=$("${launch[@]}" "$moho" info --binding) ||
    die "'${launch[*]} $moho info' failed (see above)"
  printf '%s\n' "$text"
  if ! grep -Eq "^run +$ranks rank\(s\)" <<<"$text"; then
    die "'${launch[*]}' did not start one MPI job of $ranks ranks (see 'run' above)" \
      "choose another MOHO_MPI (srun --mpi=list) or MOHO_LAUNCHER=mpirun"
  fi
}

# count_records DIR: how many cases have a record.
count_records() {
  if [ -d "$1" ]; then find "$1" -name result.json | wc -l; else echo 0; fi
}

# progress_of DIR: a line for each thing that was got done there: a finished case by its name, a
# training that has to go on by the content of its checkpoint and by the steps in its record. What
# crashed is none: the next start runs it again.
progress_of() {
  [ -d "$1" ] || return 0
  {
    grep -rLE --include=result.json '"status": *"(partial|failed)"' "$1" || true
    grep -rlZE --include=result.json '"status": *"partial"' "$1" |
      xargs -0 -r grep -HE '"steps": *[0-9]+' || true
    find "$1" -name checkpoint.h5 -exec sha256sum {} + || true
  } | LC_ALL=C sort
}

# tell_child: asks the launcher that run_until_signal started to stop.
tell_child() {
  if [ -n "$child" ]; then kill -USR1 "$child" 2>/dev/null || true; fi
}

# run_until_signal WORDS...: runs them in the background, so that bash hears signals at once. On
# USR1 or TERM it tells the launcher, which tells the ranks; moho then stops at the next safe place.
# Sets `stopped` to the signal (or empty) and returns the exit code of the command.
# shellcheck disable=SC2034  # stopped is for the caller
run_until_signal() {
  local code=0
  stopped='' child=''
  trap 'stopped=USR1; tell_child' USR1
  trap 'stopped=TERM; tell_child' TERM
  "$@" &
  child=$!
  if [ -n "$stopped" ]; then tell_child; fi # the signal came before its number was known
  while :; do
    code=0
    wait "$child" || code=$?
    # `wait` also returns when a signal came: then the child still lives
    if ! kill -0 "$child" 2>/dev/null; then break; fi
  done
  trap - USR1 TERM
  return "$code"
}

# requeue_or_fail PROGRESS_BEFORE DIR: after USR1. Puts the job back into the queue; the next start
# skips what is finished and goes on with what was being trained. A run that got nothing done would
# repeat for ever, so it fails instead.
requeue_or_fail() {
  local now new
  new=$(LC_ALL=C comm -13 <(printf '%s\n' "$1") <(progress_of "$2"))
  if [ -z "$new" ]; then
    die "the time limit ended before a single case was finished or a training left a newer" \
      "checkpoint; give the job more time (--time)"
  fi
  now=$(count_records "$2")
  if [ "${MOHO_REQUEUE:-1}" = 1 ] && [ -n "${SLURM_JOB_ID:-}" ]; then
    say "stopped before the time limit with $now records; back into the queue"
    if scontrol requeue "$SLURM_JOB_ID"; then
      sleep 60 # Slurm ends this script
    fi
    say "the job could not be requeued"
  fi
  say "not finished: submit the same line again to go on"
  exit 75
}
