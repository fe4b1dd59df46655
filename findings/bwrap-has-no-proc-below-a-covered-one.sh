#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bubblewrap 0.8.0 (Debian bubblewrap 0.8.0-2+deb12u1) below a service of systemd 252, or in any
# place where something is mounted over a part of /proc: `bwrap --proc` fails for an ordinary user.
#
# Guess: ProtectKernelTunables=, ProtectKernelLogs= and ProtectHostname= of a unit are harmless to
# programs that never write there, a sandbox included, since a new PID namespace has a /proc of its
# own.
# Seen: they work by mounts over single files of /proc. The kernel lets a user namespace mount a
# new /proc only where the one that is there is seen whole (mount_too_revealing()), so bwrap ends
# with "Can't mount proc". Root, who needs no user namespace, is not affected, which hides it.
#
# So a unit whose service starts sandboxes leaves these settings out, and a test of them runs as the
# user of the service.
set -eu
version=0.8.0-2+deb12u1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get install -y --no-install-recommends "bubblewrap=$version" util-linux >install.log 2>&1 ||
	{ cat install.log; exit 1; }

cat >try.sh <<'SH'
box() { # NAME UID: whether bwrap can make a /proc
	said=$(setpriv --reuid "$2" --regid "$2" --clear-groups \
		bwrap --unshare-pid --ro-bind / / --proc /proc true 2>&1) && said=works
	echo "$1: $said" | sed 's/ on .*:/:/'
}
box "a user, /proc as it is" 1
mount --bind /dev/null /proc/kmsg
box "a user, /proc/kmsg covered" 1
box "root, /proc/kmsg covered" 0
SH
unshare --mount sh try.sh | tee seen
cat >expected <<'TEXT'
a user, /proc as it is: works
a user, /proc/kmsg covered: bwrap: Can't mount proc: Operation not permitted
root, /proc/kmsg covered: works
TEXT
cmp seen expected && echo "bubblewrap $version behaves as described"
