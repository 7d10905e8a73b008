#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Starts a private Slurm on this machine, for tests: munged, slurmctld and N slurmd as root, without
# systemd, cgroups or accounting, on the loopback interface only. Installs nothing.
#
#   slurm_up.sh [-n NODES(2, at most 9)] [-c CPUS_PER_NODE(4)] [-w WAIT_SECONDS(60)] STATE_DIR
#   . STATE_DIR/env.sh             SLURM_CONF, and what OpenMPI needs on loopback and as root
#   slurm_down.sh STATE_DIR
#
# Exit codes: 0 up, 1 failed, 3 this machine cannot do it (packages, root, namespaces): see stderr.
# STATE_DIR: at most 60 characters, because Unix sockets lie in it. Logs: STATE_DIR/log.
#
# How one machine plays several nodes:
# * each slurmd has its own NodeHostname and port, and its own UTS and mount namespace with its own
#   host name and /etc/hosts, so that OpenMPI takes the nodes for different machines;
# * a node's own name is 127.0.0.1 (srun listens there and is called back there); to a node the
#   other names are 127.0.1.i, so that mpirun does not take them for itself;
# * TmpFS differs per node, or PMIx's folders of one job step collide;
# * config_overrides lets a node claim more CPUs than the machine has; nothing is bound.
set -euo pipefail
self=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/jobs/slurm_lib.sh
source "$self/slurm_lib.sh"
export PATH=$PATH:/usr/sbin:/sbin
nodes=2 cpus=4 wait_s=60

fail() { echo "slurm_up: $*" >&2; exit 1; }
cannot() { echo "slurm_up: $*" >&2; exit 3; }

while getopts n:c:w: option; do
  case $option in
    n) nodes=$OPTARG ;;
    c) cpus=$OPTARG ;;
    w) wait_s=$OPTARG ;;
    *) sed -n '3,14s/^# \{0,1\}//p' "$0" >&2; exit 1 ;;
  esac
done
shift $((OPTIND - 1))
[ $# = 1 ] || fail "give one STATE_DIR"
if [ "$nodes" -lt 1 ] || [ "$nodes" -gt 9 ]; then fail "-n must be 1..9"; fi

check_machine() {
  local missing=() pair
  for pair in slurmctld:slurmctld slurmd:slurmd sbatch:slurm-client munged:munge \
    unshare:util-linux; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
  done
  # srun --mpi=pmix opens libpmix.so, a name that only the -dev package has
  compgen -G "/usr/lib/*/libpmix.so" >/dev/null || missing+=(libpmix-dev)
  [ ${#missing[@]} = 0 ] || cannot "missing Debian packages: ${missing[*]}"
  [ "$(id -u)" = 0 ] || cannot "must run as root"
  unshare --uts --mount true 2>/dev/null ||
    cannot "cannot make UTS and mount namespaces (CAP_SYS_ADMIN)"
}

make_folders() {
  mkdir -p "$1"
  S=$(cd "$1" && pwd -P)
  [ ${#S} -le 60 ] || fail "path too long (${#S} > 60 characters): $S"
  [ ! -e "$S/slurm.conf" ] || fail "$S was used before; give a new folder"
  mkdir -p "$S"/{pids,log,ctld,munge,tmp}
  chmod 711 "$S/munge"
  chmod 700 "$S/ctld"
  (umask 077; head -c 1024 /dev/urandom >"$S/munge/key")
}

# choose_ports: sets `base`; slurmctld listens there, node i at base + i. Below the ephemeral range.
choose_ports() {
  local try i free
  for try in $(seq 50); do
    base=$((20000 + (RANDOM % 1200) * 10)) free=1
    for i in $(seq 0 "$nodes"); do
      if (exec 3<>"/dev/tcp/127.0.0.1/$((base + i))") 2>/dev/null; then free=0; fi
    done
    [ $free = 0 ] || return 0
  done
  fail "no free ports after $try tries"
}

node_lines() {
  local i
  for i in $(seq "$nodes"); do
    echo "NodeName=n$i NodeHostname=n$i NodeAddr=127.0.0.1 Port=$((base + i)) CPUs=$cpus Boards=1" \
      "SocketsPerBoard=1 CoresPerSocket=$cpus ThreadsPerCore=1 RealMemory=64000 State=UNKNOWN"
  done
}

write_conf() {
  local plugins
  plugins=$(dirname "$(compgen -G '/usr/lib/*/slurm-wlm/auth_munge.so' | head -1)")
  cat >"$S/slurm.conf" <<C
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$base
SlurmUser=root
SlurmdUser=root
PluginDir=$plugins
AuthType=auth/munge
CredType=cred/munge
# cred_expire is also how long a requeued job waits before it may start again (default 120 s)
AuthInfo=socket=$S/munge/sock,cred_expire=5
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation=$S/ctld
SlurmdSpoolDir=$S/%n
TmpFS=$S/tmp/%n
SlurmctldPidFile=$S/ctld/slurmctld.pid
SlurmdPidFile=$S/%n/slurmd.pid
SlurmctldLogFile=$S/log/slurmctld.log
SlurmdLogFile=$S/log/%n.log
# job ids follow the ports, so that PMIx names of two such clusters never collide
FirstJobId=$(((base - 20000) * 100 + 1))
PlugStackConfig=/dev/null
# linuxproc loses processes whose parent died; the epilog ends those
ProctrackType=proctrack/linuxproc
Epilog=$S/epilog
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SwitchType=switch/none
MpiDefault=pmix
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=$S/log/jobcomp.txt
MinJobAge=86400
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=2,sched_min_interval=0,batch_sched_delay=0
KillWait=3
InactiveLimit=0
JobRequeue=1
MailProg=/bin/true
PropagateResourceLimits=NONE
$(node_lines)
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE DefaultTime=10 State=UP OverSubscribe=NO
C
  # v1 touches nothing as long as nobody asks for limits; v2 would want to write to /sys/fs/cgroup
  printf "%s\n" CgroupAutomount=no CgroupPlugin=cgroup/v1 >"$S/cgroup.conf"
}

write_epilog() {
  cat >"$S/epilog" <<'C'
#!/bin/bash
# Ends what a finished job left on this node: processes with its SLURM_JOB_ID and SLURM_CONF in this
# node's mount namespace.
[ -n "$SLURM_JOB_ID" ] || exit 0
mine=$(readlink /proc/self/ns/mnt)
for file in $(grep -lzx "SLURM_JOB_ID=$SLURM_JOB_ID" /proc/[0-9]*/environ 2>/dev/null); do
  pid=${file#/proc/} pid=${pid%/environ}
  [ "$pid" != $$ ] && [ "$(readlink "/proc/$pid/ns/mnt")" = "$mine" ] || continue
  case $(cat "/proc/$pid/comm") in slurmstepd | epilog) continue ;; esac
  grep -qzx "SLURM_CONF=$SLURM_CONF" "$file" && kill -KILL "$pid"
done 2>/dev/null
exit 0
C
  chmod 755 "$S/epilog"
}

# write_hosts NAME: the /etc/hosts that the daemon of that name sees.
write_hosts() {
  local i
  cp /etc/hosts "$S/hosts.$1"
  for i in $(seq "$nodes"); do
    case $1 in
      "n$i" | "$host") echo "127.0.0.1 n$i" ;;
      *) echo "127.0.1.$i n$i" ;;
    esac
  done >>"$S/hosts.$1"
}

write_env() {
  cat >"$S/env.sh" <<C
export SLURM_CONF=$S/slurm.conf
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_btl=self,vader,tcp OMPI_MCA_pml=ob1
export OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_oob_tcp_if_include=lo
export OMPI_MCA_btl_vader_single_copy_mechanism=none OMPI_MCA_mpi_yield_when_idle=1
export PMIX_MCA_gds=hash
C
}

# start NAME HOSTNAME COMMAND...: own session and namespaces, our hosts file, the same pid.
start() {
  local name=$1 as=$2
  shift 2
  # shellcheck disable=SC2016  # expanded by the inner shell
  setsid unshare --uts --mount --propagation slave sh -c \
    'hostname "$1" && mount --bind "$2" /etc/hosts && shift 2 && exec "$@"' sh \
    "$as" "$S/hosts.$as" "$@" </dev/null >>"$S/log/$name.out" 2>&1 &
  record "$name" $!
}

give_up() { # MESSAGE LOG
  echo "slurm_up: $1" >&2
  tail -n 15 "$2" >&2 || true
  "$self/slurm_down.sh" "$S" >&2 || true
  exit 1
}

start_daemons() {
  local i
  start munged "$host" munged --foreground --force --socket="$S/munge/sock" \
    --key-file="$S/munge/key" --pid-file="$S/munge/pid" \
    --log-file="$S/log/munged.log" --seed-file="$S/munge/seed"
  for i in $(seq 100); do
    if munge -n -S "$S/munge/sock" >/dev/null 2>&1; then break; fi
    [ "$i" -lt 100 ] || give_up "munged did not start" "$S/log/munged.log"
    sleep 0.05
  done
  start slurmctld "$host" slurmctld -D -f "$S/slurm.conf"
  for i in $(seq "$nodes"); do
    mkdir -p "$S/n$i" "$S/tmp/n$i"
    chmod 1777 "$S/tmp/n$i"
    start "n$i" "n$i" slurmd -D -N "n$i" -f "$S/slurm.conf"
  done
}

wait_for_nodes() {
  local end=$((SECONDS + wait_s)) name idle resumed=
  while :; do
    idle=$(sinfo -h -N -t idle -o %T 2>/dev/null | grep -cx idle || true)
    [ "$idle" != "$nodes" ] || return 0
    for name in munged slurmctld $(seq -f n%g "$nodes"); do
      alive "$name" || give_up "$name ended" "$S/log/$name.out"
    done
    if [ -z "$resumed" ] && sinfo -h -N -o %T 2>/dev/null | grep -Eq 'drain|down'; then
      scontrol update NodeName=ALL State=RESUME >/dev/null 2>&1 || true
      resumed=1
    fi
    [ $SECONDS -lt $end ] || give_up "nodes not idle after $wait_s s" "$S/log/slurmctld.log"
    sleep 0.2
  done
}

check_machine
make_folders "$1"
export SLURM_CONF=$S/slurm.conf
host=$(hostname -s)
exec 8>/tmp/.moho-slurm-up.lock # one start at a time: ports
flock 8
choose_ports
write_conf
write_epilog
for name in "$host" $(seq -f n%g "$nodes"); do write_hosts "$name"; done
write_env
cd /
start_daemons 8>&-
wait_for_nodes
echo "slurm is up in $S: $nodes nodes, $cpus cpus each"
