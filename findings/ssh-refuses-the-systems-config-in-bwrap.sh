#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# OpenSSH 9.2p1 (Debian openssh-client 1:9.2p1-2+deb12u6) in bubblewrap 0.8.0 (Debian bubblewrap
# 0.8.0-2+deb12u1), started by a user other than root: ssh refuses to start because of a file of
# root's in /etc/ssh/ssh_config.d.
#
# Guess: a sandbox that shows the system read-only changes nothing for ssh: the file belongs to root
# and only root can write it.
# Seen: a user namespace that an ordinary user makes has one uid, so root's files belong to "nobody"
# (65534) in it. ssh takes a file that the system's ssh_config includes only from root or from the
# user itself, and ends with 255 and "Bad owner or permissions". The same file outside of the
# sandbox is fine, and so is /etc/ssh/ssh_config itself, whose owner is not checked.
#
# So git over ssh works or fails in a sandbox by what packages have put into that folder: give ssh a
# configuration of its own with -F, or cover the folder with an empty one.
set -eu
ssh=1:9.2p1-2+deb12u6
bwrap=0.8.0-2+deb12u1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get install -y --no-install-recommends "openssh-client=$ssh" "bubblewrap=$bwrap" util-linux \
	>install.log 2>&1 || { cat install.log; exit 1; }

chmod 755 .
mkdir -p etc/ssh_config.d
echo 'Include /etc/ssh/ssh_config.d/*.conf' >etc/ssh_config
echo 'Host example' >etc/ssh_config.d/some.conf
try() { # NAME UID: whether ssh can read its configuration there
	said=$(setpriv --reuid "$2" --regid "$2" --clear-groups \
		bwrap --ro-bind / / --dev /dev --ro-bind etc /etc/ssh ssh -T -G example 2>&1 >/dev/null) &&
		status=0 || status=$?
	echo "$1: $status $said" | tr -d "\r"
}
{
	try root 0
	try daemon 1
	rm etc/ssh_config.d/some.conf
	try "daemon, with an empty folder" 1
} | tee seen
cat >expected <<'TEXT'
root: 0 
daemon: 255 Bad owner or permissions on /etc/ssh/ssh_config.d/some.conf
daemon, with an empty folder: 0 
TEXT
cmp seen expected && echo "OpenSSH and bubblewrap behave as described"
