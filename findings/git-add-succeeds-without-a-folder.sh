#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# git 2.39.5 (Debian git 1:2.39.5-0+deb12u3): `git add --all` ends with status 0 when it could not
# open a folder, and with 128 when it could not open a file.
#
# Guess: a path that add cannot read is an error, whatever it is.
# Seen: for a folder there is a warning on stderr, status 0, and nothing of the folder is in the
# index; `git status` has status 0 too and does not list it. A file in the same state is fatal.
#
# So a program that commits for others must read stderr for "could not open directory", or walk the
# tree itself, or it loses the folder's files while all statuses are 0. It shows as another user
# than root only, since root may open everything.
set -eu
version=1:2.39.5-0+deb12u3
work=$(mktemp -d)
trap 'chmod -R u+rwX "$work"; rm -rf "$work"' EXIT
cd "$work"
apt-get install -y --no-install-recommends "git=$version" util-linux \
	>install.log 2>&1 ||
	{ cat install.log; exit 1; }

cat >try.sh <<'SH'
try() { # WHAT
	git init -q "$1"
	cd "$1"
	mkdir folder
	echo text >folder/file
	echo text >file
	echo text >other
	chmod 000 "$1"
	git add --all 2>/dev/null && echo "$1: status 0: $(git ls-files | tr '\n' ' ')" ||
		echo "$1: status $?"
	cd ..
}
try folder
try file
SH
chmod 777 .
HOME=$work LC_ALL=C setpriv --reuid 65534 --regid 65534 --clear-groups sh try.sh | tee seen
cat >expected <<'TEXT'
folder: status 0: file other 
file: status 128
TEXT
cmp seen expected && echo "git $version behaves as described"
