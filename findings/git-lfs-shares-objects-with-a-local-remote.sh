#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# git-lfs 3.3.0 (Debian git-lfs 3.3.0-1+deb12u2): a push to a remote on the same file system makes
# hard links, so the pusher and the remote hold one file and not two.
#
# Guess: objects are copied, as git copies those of a push.
# Seen: the object in the remote's lfs/objects has the inode of the one in the pusher's .git/lfs.
# Whoever can write to the one file writes to the other, and a program that rewrites "its own"
# object changes what the remote gives out. git's own objects of that push are files of their own.
#
# So a tree that something untrusted works in must not be the one that pushes, or its objects are
# copied first.
set -eu
version=3.3.0-1+deb12u2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get install -y --no-install-recommends "git-lfs=$version" git >install.log 2>&1 ||
	{ cat install.log; exit 1; }

export HOME="$work" GIT_CONFIG_NOSYSTEM=1
git lfs install --skip-repo >/dev/null
git config --global user.name n
git config --global user.email n@example.org
git config --global init.defaultBranch main
git init -q --bare remote.git
git clone -q remote.git tree 2>/dev/null
cd tree
git lfs track '*.bin' >/dev/null
echo content >large.bin
git add .
git commit -qm one
git push -q origin main 2>/dev/null
cd ..
inodes() { find "$@" -type f -printf '%i\n' | sort; }
shared() { # NAME FOLDER FOLDER: how many files of the first are in the second, too
	inodes "$2" >one
	inodes "$3" >two
	echo "$1: $(comm -12 one two | wc -l) of $(wc -l <one)"
}
{
	shared "LFS objects that are the same file" tree/.git/lfs/objects remote.git/lfs/objects
	shared "git objects that are the same file" tree/.git/objects remote.git/objects
} | tee seen
cat >expected <<'TEXT'
LFS objects that are the same file: 1 of 1
git objects that are the same file: 0 of 4
TEXT
cmp seen expected && echo "git-lfs $version behaves as described"
