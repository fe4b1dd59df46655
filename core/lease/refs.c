/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The refs that a tree's repository begins with: the branches and tags of the
 * remote, as the mirror has them. The mirror's files are read as git keeps them
 * (gitrepository-layout(5)) instead of by libgit2, which spends ten times as
 * long on the records of thousands of jobs that lie among them.
 */
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "lease/files.h"

#define PACKED_MAX (256u << 20)

/* A ref in a file of its own, which counts for more than a packed one. */
struct loose_ref {
	char *name, hex[GIT_OID_HEXSZ + 2];
};

struct loose_refs {
	struct loose_ref *list;
	size_t len, size;
};

static bool refs_shown(const char *name, size_t len);
static void refs_read_loose(const struct tree *, const char *folder, struct loose_refs *);
static int refs_compare(const void *, const void *);
static void refs_merge(struct buf *packed, const struct loose_refs *, struct buf *out);

int
refs_of_remote(const struct tree *t, struct buf *out, struct error *err)
{
	char *path = path_join(t->mirror, "packed-refs");
	struct loose_refs loose = { .len = 0 };
	struct buf packed = BUF_INIT;
	int result = 0;

	/* Loose ones come first: a ref that is packed meanwhile is in both. */
	refs_read_loose(t, "refs/remotes/origin", &loose);
	refs_read_loose(t, "refs/tags", &loose);
	if (loose.len > 0)
		qsort(loose.list, loose.len, sizeof *loose.list, refs_compare);
	if (access(path, F_OK) == 0)
		result = path_read(path, PACKED_MAX, &packed, err);
	if (result == 0)
		refs_merge(&packed, &loose, out);
	for (size_t i = 0; i < loose.len; i++)
		free(loose.list[i].name);
	free(loose.list);
	buf_free(&packed);
	free(path);
	return result;
}

static bool
refs_shown(const char *name, size_t len)
{
	return (len > 20 && strncmp(name, "refs/remotes/origin/", 20) == 0) ||
	    (len > 10 && strncmp(name, "refs/tags/", 10) == 0);
}

static void
refs_read_loose(const struct tree *t, const char *folder, struct loose_refs *loose)
{
	char *root = path_join(t->mirror, folder);
	char *const roots[] = { root, NULL };
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL);
	size_t skip = strlen(t->mirror) + 1;
	struct loose_ref *ref;
	FTSENT *entry;

	while (walk != NULL && (entry = fts_read(walk)) != NULL) {
		if (entry->fts_info == FTS_D || entry->fts_info == FTS_DP)
			continue;
		/* A ref that a fetch is writing now. */
		if (entry->fts_namelen > 5 &&
		    strcmp(entry->fts_name + entry->fts_namelen - 5, ".lock") == 0)
			continue;
		loose->list = xgrow(loose->list, loose->len + 1, &loose->size,
		    sizeof *loose->list);
		ref = &loose->list[loose->len];
		/* A symbolic ref, such as origin/HEAD, has no hash. */
		if (!file_line(entry->fts_path, ref->hex, sizeof ref->hex) ||
		    strlen(ref->hex) != GIT_OID_HEXSZ ||
		    strspn(ref->hex, "0123456789abcdef") != GIT_OID_HEXSZ)
			continue;
		ref->name = xstrdup(entry->fts_path + skip);
		loose->len++;
	}
	if (walk != NULL)
		fts_close(walk);
	free(root);
}

static int
refs_compare(const void *a, const void *b)
{
	return strcmp(((const struct loose_ref *)a)->name, ((const struct loose_ref *)b)->name);
}

/* Both are sorted by name. */
static void
refs_merge(struct buf *packed, const struct loose_refs *loose, struct buf *out)
{
	const char *line = buf_str(packed), *end, *name;
	size_t next = 0, len;
	int order;

	buf_adds(out, "# pack-refs with: sorted \n");
	for (; *line != '\0'; line = *end == '\n' ? end + 1 : end) {
		end = strchrnul(line, '\n');
		name = line + GIT_OID_HEXSZ + 1;
		if (*line == '#' || *line == '^' || end < name ||
		    !refs_shown(name, (size_t)(end - name)))
			continue;
		len = (size_t)(end - name);
		for (order = 1; next < loose->len; next++) {
			order = strncmp(loose->list[next].name, name, len);
			if (order == 0 && loose->list[next].name[len] != '\0')
				order = 1;
			if (order >= 0)
				break;
			buf_addf(out, "%s %s\n", loose->list[next].hex, loose->list[next].name);
		}
		if (next == loose->len || order > 0)
			buf_add(out, line, (size_t)(end - line) + (*end == '\n'));
	}
	for (; next < loose->len; next++)
		buf_addf(out, "%s %s\n", loose->list[next].hex, loose->list[next].name);
}
