#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# libgit2 1.5.1 (Debian libgit2-dev 1.5.1+ds-1+deb12u2): asked for one path, it says that a file is
# not ignored which its own status and add leave out.
#
# Guess: git_ignore_path_is_ignored() answers what git check-ignore does: a file in an excluded
# folder stays ignored, although a later pattern with "!" names it, because git does not descend
# into that folder.
# Seen: for `/*` and `!*.c`, the file a/x.c is not ignored by git_ignore_path_is_ignored(), and
# untracked by git_status_file(); git_index_add_all() does not add it, and the status list has its
# folder as ignored, as git has.
#
# So whoever asks path by path promises files that are then not committed: take the status list, or
# ask for each folder above the path too.
set -eu
version=1.5.1+ds-1+deb12u2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get install -y --no-install-recommends "libgit2-dev=$version" gcc libc6-dev git \
	>install.log 2>&1 ||
	{ cat install.log; exit 1; }

cat >ask.c <<'C'
#include <git2.h>
#include <stdio.h>

int
main(int argc, char **argv)
{
	git_repository *repo = NULL;
	git_index *index = NULL;
	int ignored = -1;
	unsigned status = 0;

	if (argc != 3)
		return 2;
	git_libgit2_init();
	if (git_repository_open(&repo, argv[1]) != 0 || git_repository_index(&index, repo) != 0 ||
	    git_ignore_path_is_ignored(&ignored, repo, argv[2]) != 0 ||
	    git_status_file(&status, repo, argv[2]) != 0 ||
	    git_index_add_all(index, NULL, GIT_INDEX_ADD_DEFAULT, NULL, NULL) != 0)
		return 1;
	printf("git_ignore_path_is_ignored: %s\n", ignored ? "ignored" : "not ignored");
	printf("git_status_file: %s\n", status & GIT_STATUS_IGNORED ? "ignored" : "untracked");
	printf("git_index_add_all: %s\n",
	    git_index_get_bypath(index, argv[2], 0) != NULL ? "added" : "left out");
	return 0;
}
C
gcc -o ask ask.c -lgit2
export GIT_CONFIG_GLOBAL=/dev/null
git init -q repo
mkdir repo/a
echo x >repo/a/x.c
printf '/*\n!*.c\n' >repo/.gitignore
{
	./ask repo a/x.c
	git -C repo check-ignore -q a/x.c && echo "git check-ignore: ignored"
	git -C repo add --all
	git -C repo ls-files --error-unmatch a/x.c >/dev/null 2>&1 || echo "git add --all: left out"
} | tee seen
cat >expected <<'TEXT'
git_ignore_path_is_ignored: not ignored
git_status_file: untracked
git_index_add_all: left out
git check-ignore: ignored
git add --all: left out
TEXT
cmp seen expected && echo "libgit2 $version behaves as described"
