/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caches that package managers share between the jobs of a repo; the
 * environment points them there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "lease/tree.h"

static const struct {
	const char *name, *folder;
} caches[] = {
	{ "npm_config_cache", "npm" },
	{ "YARN_CACHE_FOLDER", "yarn" },
	{ "BUN_INSTALL_CACHE_DIR", "bun" },
	{ "PIP_CACHE_DIR", "pip" },
	{ "CARGO_HOME", "cargo" },
	{ "CCACHE_DIR", "ccache" },
	{ "GOMODCACHE", "go-mod" },
	{ "GOCACHE", "go-build" },
};

static int cache_open(int parent, const char *name);
static int cache_make_cargo(int home);

char **
tree_cache_env(const char *folder, struct error *err)
{
	char **env = xcalloc(ARRAY_LEN(caches) + 1, sizeof *env);
	int fd, parent = -1, rc = path_mkdirs(folder, 0700, err);

	if (rc == 0 && (parent = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		rc = error_errno(err, DROVER_INTERNAL, "cannot open the caches in %s", folder);
	for (size_t i = 0; i < ARRAY_LEN(caches) && rc == 0; i++) {
		fd = cache_open(parent, caches[i].folder);
		if (fd < 0 || (strcmp(caches[i].folder, "cargo") == 0 && cache_make_cargo(fd) != 0))
			rc = error_errno(err, DROVER_INTERNAL, "cannot prepare the cache %s/%s",
			    folder, caches[i].folder);
		path_close(&fd);
		env[i] = xasprintf("%s=%s/%s", caches[i].name, folder, caches[i].folder);
	}
	path_close(&parent);
	if (rc == 0)
		return env;
	free_strings(env);
	return NULL;
}

/*
 * Opens a folder, which is made when it is missing. Jobs can write beside it,
 * so what is in its place may be a link to somewhere else, and is removed then.
 */
static int
cache_open(int parent, const char *name)
{
	int fd = -1;

	for (int i = 0; i < 2 && fd < 0; i++) {
		if (mkdirat(parent, name, 0700) != 0 && errno != EEXIST)
			return -1;
		fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
			(void)unlinkat(parent, name, 0);
	}
	return fd;
}

/*
 * cargo has no variable for its registry alone, so its whole home is shared,
 * and only registry, git and the lock files in it are writable: a config.toml
 * there would run one job's commands in every other job.
 */
static int
cache_make_cargo(int home)
{
	static const char *const folders[] = { "registry", "git" };
	static const char *const locks[] = { ".package-cache", ".package-cache-mutate",
		".global-cache" };
	struct stat st;
	int fd;

	/* Mode 0500 is set last: a home that has it is complete. */
	if (fstat(home, &st) == 0 && (st.st_mode & 07777) == 0500)
		return 0;
	if (fchmod(home, 0700) != 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		if ((fd = cache_open(home, folders[i])) < 0)
			return -1;
		close(fd);
	}
	for (size_t i = 0; i < ARRAY_LEN(locks); i++) {
		fd = openat(home, locks[i], O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0)
			return -1;
		close(fd);
	}
	return fchmod(home, 0500);
}
