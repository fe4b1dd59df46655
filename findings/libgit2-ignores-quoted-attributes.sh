#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# libgit2 1.5.1 (Debian libgit2-dev 1.5.1+ds-1+deb12u2): a line of .gitattributes whose pattern is
# in double quotes applies to no file.
#
# Guess: libgit2 reads .gitattributes as git does, since everything else in it agrees, macros,
# precedence and line ends included.
# Seen: git reads "my file.txt" as a C string, which is the way to write a blank. libgit2 takes the
# quotes as part of a name, without an error. The file keeps its CRLF in the blob, a filter that is
# asked for does not run, and git then sees the file as modified in each checkout.
#
# So a program that commits with libgit2 looks for quoted patterns first, or leaves the add to git.
# A blank can be written as [[:space:]], which both understand.
set -eu
version=1.5.1+ds-1+deb12u2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get install -y --no-install-recommends "libgit2-dev=$version" gcc libc6-dev git \
	>install.log 2>&1 || { cat install.log; exit 1; }

cat >attribute.c <<'C'
#include <git2.h>
#include <stdio.h>

int
main(int argc, char **argv)
{
	git_repository *repo = NULL;
	const char *value = NULL;

	if (argc != 4)
		return 2;
	git_libgit2_init();
	if (git_repository_open(&repo, argv[1]) != 0 ||
	    git_attr_get(&value, repo, 0, argv[2], argv[3]) != 0)
		return 1;
	printf("%s\n", value != NULL ? value : "unspecified");
	return 0;
}
C
gcc -o attribute attribute.c -lgit2
export GIT_CONFIG_GLOBAL=/dev/null
git init -q repo
cat >repo/.gitattributes <<'TEXT'
"my file.txt" eol=lf
my[[:space:]]note.txt eol=lf
TEXT
for file in 'my file.txt' 'my note.txt'; do
	echo "$file: git $(git -C repo check-attr eol "$file" | sed 's/.*: //')," \
		"libgit2 $(./attribute repo "$file" eol)"
done | tee seen
cat >expected <<'TEXT'
my file.txt: git lf, libgit2 unspecified
my note.txt: git lf, libgit2 lf
TEXT
cmp seen expected && echo "libgit2 $version behaves as described"
