#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# libgit2 1.5.1 (Debian libgit2-dev 1.5.1+ds-1+deb12u2): git_indexer with verify = 1 refuses a pack
# whose trees have a submodule link.
#
# Guess: "do connectivity checks for the received pack" is what git index-pack --strict does: every
# object that the pack refers to must be in it or in the object database. A submodule's commit lies
# in another repository by nature, so neither of them looks for it.
# Seen: git takes the pack. libgit2 ends with "packfile is missing 1 objects", because it expects
# the submodule's commit as it expects the blobs of the same tree. Without verify it takes the pack.
#
# So a server or mirror that verifies with libgit2 alone cannot take in a repository that has
# submodules: have git verify the pack, or leave verify off and walk the objects yourself.
set -eu
version=1.5.1+ds-1+deb12u2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get install -y --no-install-recommends "libgit2-dev=$version" gcc libc6-dev git \
	>install.log 2>&1 ||
	{ cat install.log; exit 1; }

cat >index.c <<'C'
/* index PACK FOLDER VERIFY: indexes the pack into the folder. */
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>

int
main(int argc, char **argv)
{
	git_indexer_options options = GIT_INDEXER_OPTIONS_INIT;
	git_indexer_progress progress = { 0 };
	git_indexer *indexer = NULL;
	char data[65536];
	size_t n;
	int rc;

	if (argc != 4)
		return 2;
	git_libgit2_init();
	FILE *pack = fopen(argv[1], "rb");
	options.verify = (unsigned char)atoi(argv[3]);
	rc = pack == NULL ? 1 : git_indexer_new(&indexer, argv[2], 0, NULL, &options);
	while (rc == 0 && (n = fread(data, 1, sizeof data, pack)) > 0)
		rc = git_indexer_append(indexer, data, n, &progress);
	if (rc == 0)
		rc = git_indexer_commit(indexer, &progress);
	printf("%s\n", rc == 0 ? "taken" : git_error_last() != NULL ? git_error_last()->message : "error");
	return 0;
}
C
gcc -o index index.c -lgit2
export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=n GIT_AUTHOR_EMAIL=n@example.org
export GIT_COMMITTER_NAME=n GIT_COMMITTER_EMAIL=n@example.org
for kind in plain submodule; do
	git init -q -b main "$kind"
	(
		cd "$kind"
		echo text >file
		git add file
		[ "$kind" = plain ] ||
			git update-index --add --cacheinfo 160000,1111111111111111111111111111111111111111,lib
		git commit -q -m one
		git rev-list --objects --all | git pack-objects -q ../pack >../name
	)
	mv "pack-$(cat name).pack" "$kind.pack"
done
{
	for kind in plain submodule; do
		git init -q --bare "into-$kind"
		git -C "into-$kind" index-pack --strict --stdin <"$kind.pack" >/dev/null &&
			echo "git, $kind: taken"
		for verify in 0 1; do
			mkdir "$kind-$verify"
			echo "libgit2, $kind, verify = $verify: $(./index "$kind.pack" "$kind-$verify" $verify)"
		done
	done
} | tee seen
cat >expected <<'TEXT'
git, plain: taken
libgit2, plain, verify = 0: taken
libgit2, plain, verify = 1: taken
git, submodule: taken
libgit2, submodule, verify = 0: taken
libgit2, submodule, verify = 1: packfile is missing 1 objects
TEXT
cmp seen expected && echo "libgit2 $version behaves as described"
