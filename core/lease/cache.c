/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caches that package managers share between jobs; the environment points
 * them there.
 */
#include <fcntl.h>
#include <stdlib.h>
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

static int cache_make_cargo(const char *home, struct error *);

char **
tree_cache_env(const char *cache_dir, struct error *err)
{
	char **env = xcalloc(ARRAY_LEN(caches) + 1, sizeof *env), *path;
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(caches) && rc == 0; i++) {
		path = path_join(cache_dir, caches[i].folder);
		rc = path_mkdirs(path, 0700, err);
		env[i] = xasprintf("%s=%s", caches[i].name, path);
		free(path);
	}
	path = path_join(cache_dir, "cargo");
	if (rc == 0)
		rc = cache_make_cargo(path, err);
	free(path);
	if (rc != 0) {
		free_strings(env);
		return NULL;
	}
	return env;
}

/*
 * cargo has no variable for its registry alone, so its whole home is shared,
 * and only registry, git and the lock files in it are writable: a config.toml
 * there would run one job's commands in every other job.
 */
static int
cache_make_cargo(const char *home, struct error *err)
{
	static const char *const folders[] = { "registry", "git" };
	static const char *const locks[] = { ".package-cache", ".package-cache-mutate",
		".global-cache" };
	struct stat st;
	char *path;
	int fd, rc = 0;

	/* Mode 0500 is set last: a home that has it is complete. */
	if (stat(home, &st) == 0 && (st.st_mode & 07777) == 0500)
		return 0;
	if (chmod(home, 0700) != 0)
		return error_errno(err, DROVER_INTERNAL, "cannot prepare the cache %s", home);
	for (size_t i = 0; i < ARRAY_LEN(folders) && rc == 0; i++) {
		path = path_join(home, folders[i]);
		rc = path_mkdirs(path, 0700, err);
		free(path);
	}
	for (size_t i = 0; i < ARRAY_LEN(locks) && rc == 0; i++) {
		path = path_join(home, locks[i]);
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0)
			rc = error_errno(err, DROVER_INTERNAL, "cannot prepare the cache %s", path);
		else
			close(fd);
		free(path);
	}
	if (rc == 0 && chmod(home, 0500) != 0)
		rc = error_errno(err, DROVER_INTERNAL, "cannot prepare the cache %s", home);
	return rc;
}
