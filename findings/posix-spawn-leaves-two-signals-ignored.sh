#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# glibc 2.36 (Debian libc6 2.36-9+deb12u14): a program that posix_spawn(3) starts ignores signals
# 32 and 33.
#
# Guess: with POSIX_SPAWN_SETSIGDEF and all signals in the set, the new program starts with every
# signal at its default, as after fork(), a reset of all dispositions, and execve().
# Seen: SigIgn of the new program is 0000000180000000, with the attribute and without it. These
# are the two signals that glibc keeps for its threads; its child code sets them to SIG_IGN,
# execve() keeps what is ignored, and so does every program started from there, whatever its C
# library is. After fork() and execve() SigIgn is 0.
#
# So a test that compares a child's SigIgn with 0 fails for no fault of the caller, and a runtime
# with a C library of its own finds two of its realtime signals ignored.
set -eu
version=2.36-9+deb12u14
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download -qq "libc6=$version" >/dev/null
dpkg -x libc6_*.deb root
cat >spawn.c <<'C'
#define _GNU_SOURCE
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	char *child[] = { "grep", "SigIgn", "/proc/self/status", NULL };
	posix_spawnattr_t attr;
	sigset_t all;
	pid_t pid;

	if (argc > 1 && strcmp(argv[1], "fork") == 0) {
		if ((pid = fork()) == 0) {
			execve("/bin/grep", child, environ);
			_exit(127);
		}
	} else {
		sigfillset(&all);
		posix_spawnattr_init(&attr);
		posix_spawnattr_setflags(&attr, argc > 1 ? POSIX_SPAWN_SETSIGDEF : 0);
		posix_spawnattr_setsigdefault(&attr, &all);
		if (posix_spawn(&pid, "/bin/grep", NULL, &attr, child, environ) != 0)
			return 1;
	}
	return waitpid(pid, NULL, 0) == pid ? 0 : 1;
}
C
cc -o spawn spawn.c
loader=$(find "$PWD/root" -name 'ld-linux-*' | head -n 1)
library=$(dirname "$(find "$PWD/root" -name libc.so.6)")
run() { "$loader" --library-path "$library" ./spawn "$@"; }
{
	echo "posix_spawn: $(run)"
	echo "posix_spawn, SETSIGDEF: $(run default)"
	echo "fork and execve: $(run fork)"
} | tr '\t' ' ' | tee seen
cat >expected <<'TEXT'
posix_spawn: SigIgn: 0000000180000000
posix_spawn, SETSIGDEF: SigIgn: 0000000180000000
fork and execve: SigIgn: 0000000000000000
TEXT
cmp seen expected && echo "libc6 $version behaves as described"
