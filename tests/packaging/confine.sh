#!/bin/sh
# Runs a program confined as plexd.service asks for it, without systemd:
#
#   confine.sh FOLDER KEPT UID GID GROUP PROGRAM [ARGUMENT...]
#
# FOLDER is the only place that can be written to; a file "group" in it takes the
# place of /etc/group. KEPT is a list, separated by
# colons, of what is read although it lies in somebody's home. To be called by
# root in a mount namespace of its own (unshare --mount).
set -eu

folder=$1 kept=$2 uid=$3 gid=$4 group=$5
shift 5

# What is needed of what will be hidden.
hold=/mnt
mount -t tmpfs -o mode=755 tmpfs "$hold"
mkdir "$hold/folder" "$hold/dev"
mount --bind "$folder" "$hold/folder"
number=0
rest=$kept:
while [ -n "$rest" ]; do
  path=${rest%%:*}
  rest=${rest#*:}
  number=$((number + 1))
  if [ -d "$path" ]; then mkdir "$hold/$number"; else : >"$hold/$number"; fi
  mount --bind "$path" "$hold/$number"
done

# PrivateTmp=, ProtectHome=
mount -t tmpfs -o mode=1777 tmpfs /tmp
mkdir -p "$folder"
mount --bind "$hold/folder" "$folder"
mount --bind "$folder/group" /etc/group
for path in /root /home; do mount -t tmpfs -o mode=000 tmpfs "$path"; done

# PrivateDevices=
for name in null zero full random urandom; do
  : >"$hold/dev/$name"
  mount --bind "/dev/$name" "$hold/dev/$name"
done
mount --rbind "$hold/dev" /dev

# ProtectProc=invisible, ProcSubset=pid
mount -t proc -o hidepid=invisible,subset=pid proc /proc

# ProtectSystem=strict
mount -o remount,bind,ro /
mount -o remount,ro "$hold"

# UMask=, LimitNOFILE=, LimitCORE=, User=, SupplementaryGroups=,
# NoNewPrivileges=, CapabilityBoundingSet=
umask 0077
prlimit --pid $$ --core=0
# Not every root may have more than it was given.
prlimit --pid $$ --nofile=65536 2>/dev/null || true
exec setpriv --reuid="$uid" --regid="$gid" --groups="$group" \
  --no-new-privs --bounding-set=-all --inh-caps=-all \
  "$@"
