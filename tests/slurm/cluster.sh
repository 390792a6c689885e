#!/usr/bin/env bash
# A SLURM of one node, for the tests: partitions cpu and gpu, the GPU made of /dev/null.
#   tests/slurm/cluster.sh start    installs Debian's packages where they are missing, and starts it
#   tests/slurm/cluster.sh stop
# Wants root and no other SLURM on the machine; says in one line why it does not start, and returns 3.
set -euo pipefail
# the daemons lie there, which not every PATH has
export PATH=$PATH:/usr/sbin:/sbin

MARK='# of the tests of parlearn'
CONF=/etc/slurm/slurm.conf
STATE=/var/lib/parlearn-slurm
NODE=$(hostname -s)

sorry() { echo "no SLURM for the tests: $1" >&2; exit 3; }

running() { timeout 20 sinfo --noheader --states=idle,mixed,allocated --format=%P 2>/dev/null | grep -q '^gpu'; }

install_missing() {
    command -v slurmctld >/dev/null && command -v slurmd >/dev/null && command -v munged >/dev/null && return
    command -v apt-get >/dev/null || sorry "slurm-wlm and munge are not installed and there is no apt-get"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq \
        --no-install-recommends slurm-wlm munge; } >/dev/null 2>&1 ||
        sorry "apt-get could not install slurm-wlm and munge"
}

configure() {
    mkdir -p /etc/slurm "$STATE/state" "$STATE/spool" "$STATE/log"
    # more CPUs and memory than there are: the jobs of the tests are small
    cat >$CONF <<CONF
$MARK
ClusterName=parlearn
SlurmctldHost=$NODE(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
StateSaveLocation=$STATE/state
SlurmdSpoolDir=$STATE/spool
SlurmctldPidFile=$STATE/slurmctld.pid
SlurmdPidFile=$STATE/slurmd.pid
SlurmctldLogFile=$STATE/log/slurmctld.log
SlurmdLogFile=$STATE/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=2
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
SlurmctldTimeout=60
SlurmdTimeout=60
KillWait=5
MinJobAge=7200
ReturnToService=2
GresTypes=gpu
NodeName=$NODE NodeAddr=127.0.0.1 CPUs=6 RealMemory=64000 Gres=gpu:1
PartitionName=cpu Nodes=$NODE Default=YES MaxTime=3-00:00:00
PartitionName=gpu Nodes=$NODE MaxTime=1-00:00:00
CONF
    printf 'AutoDetect=off\nNodeName=%s Name=gpu Count=1 File=/dev/null\n' "$NODE" >/etc/slurm/gres.conf
}

start() {
    running && return
    [ "$(id -u)" -eq 0 ] || sorry "it takes root to start one"
    if [ -e $CONF ] && ! grep -qF "$MARK" $CONF; then
        sorry "$CONF is there already and not from here"
    fi
    install_missing
    configure
    [ -s /etc/munge/munge.key ] || { dd if=/dev/urandom of=/etc/munge/munge.key bs=1k count=1 2>/dev/null
        chown munge: /etc/munge/munge.key; chmod 400 /etc/munge/munge.key; }
    if ! munge --no-input >/dev/null 2>&1; then
        install -d -o munge -g munge /run/munge /var/log/munge /var/lib/munge
        runuser -u munge -- munged --force
    fi
    slurmctld || sorry "slurmctld does not start, see $STATE/log"
    slurmd || sorry "slurmd does not start, see $STATE/log"
    for _ in $(seq 60); do
        running && { echo "SLURM runs on $NODE, partitions cpu and gpu"; return; }
        scontrol update nodename="$NODE" state=resume 2>/dev/null || true
        sleep 1
    done
    sorry "its node does not come up, see $STATE/log"
}

stop() {
    grep -qsF "$MARK" $CONF || return 0
    for name in slurmd slurmctld; do
        [ -s "$STATE/$name.pid" ] && kill "$(cat "$STATE/$name.pid")" 2>/dev/null || true
    done
    rm -f $CONF /etc/slurm/gres.conf
}

case "${1:-}" in
    start | stop) "$1" ;;
    *) echo "usage: $0 start|stop" >&2; exit 2 ;;
esac
