/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker's leaf lies below the cgroup that the worker was started in. The
 * worker enters it once, because a move costs milliseconds, and leaves it only
 * for the moment in which cgroup.kill (Linux 5.14) kills everything in it.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/leaf.h"
#include "base/mem.h"
#include "base/path.h"
#include "run/cgroup.h"

#define CGROUP_MAGIC 0xc6000001u

struct cgroup {
	uint32_t magic;
	char path[PATH_MAX];
	/* open cgroup.procs files: the leaf's and its parent's */
	int inside, outside;
	int kill;
};

static void cgroup_clear(const char *own);
static int cgroup_open(const char *leaf, const char *file);
static int cgroup_move(int procs);

static int
cgroup_open(const char *leaf, const char *file)
{
	char *path = path_join(leaf, file);
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	free(path);
	return fd;
}

/*
 * Removes the leaves of workers that were killed. rmdir() fails on a leaf that
 * still has a process in it, so live workers keep theirs.
 */
static void
cgroup_clear(const char *own)
{
	DIR *dir = opendir(own);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (strncmp(entry->d_name, LEAF_PREFIX, strlen(LEAF_PREFIX)) == 0)
			(void)unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
	}
	if (dir != NULL)
		closedir(dir);
}

static int
cgroup_move(int procs)
{
	return path_write_all(procs, "0", 1);
}

struct cgroup *
cgroup_new(const char *worker)
{
	struct cgroup *cgroup;
	char *own = leaf_cgroup(getpid());
	int n;

	if (own == NULL)
		return NULL;
	OBJ_NEW(cgroup, CGROUP_MAGIC);
	cgroup->inside = cgroup->kill = -1;
	cgroup_clear(own);
	cgroup->outside = cgroup_open(own, "cgroup.procs");
	n = snprintf(cgroup->path, sizeof cgroup->path, "%s/" LEAF_PREFIX "%s-%d", own, worker,
	    (int)getpid());
	free(own);
	if (cgroup->outside != -1 && n > 0 && (size_t)n < sizeof cgroup->path &&
	    mkdir(cgroup->path, 0755) == 0) {
		cgroup->inside = cgroup_open(cgroup->path, "cgroup.procs");
		cgroup->kill = cgroup_open(cgroup->path, "cgroup.kill");
	}
	if (cgroup->inside != -1 && cgroup->kill != -1 && cgroup_move(cgroup->inside) == 0)
		return cgroup;
	cgroup_free(cgroup);
	return NULL;
}

void
cgroup_sweep(const struct cgroup *cgroup)
{
	if (cgroup == NULL)
		return;
	OBJ_CHECK(cgroup, CGROUP_MAGIC);
	if (cgroup_move(cgroup->outside) == -1)
		return;
	(void)path_write_all(cgroup->kill, "1", 1);
	(void)cgroup_move(cgroup->inside);
}

void
cgroup_free(struct cgroup *cgroup)
{
	if (cgroup == NULL)
		return;
	OBJ_CHECK(cgroup, CGROUP_MAGIC);
	if (cgroup->inside != -1) {
		(void)cgroup_move(cgroup->outside);
		close(cgroup->inside);
	}
	if (cgroup->kill != -1)
		close(cgroup->kill);
	if (cgroup->outside != -1)
		close(cgroup->outside);
	(void)rmdir(cgroup->path);
	OBJ_FREE(cgroup);
}
