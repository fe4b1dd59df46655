/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds a plugin's file and opens it. The file is opened once, by descriptor,
 * below a chain of folders that only root and the daemon's user can change, so
 * the file that was checked is the file that is loaded.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "load/loader.h"

#define LOADER_SYMBOL "drover_plugin_v"
#define LOADER_MAJORS_TRIED 9

static int loader_trusts(const struct stat *, const char *path, bool sticky_ok, struct error *);
static int loader_check_links(const char *dir, struct error *);
static int loader_open_folder(const char *dir, struct error *);
static int loader_open_file(const char *dir, const char *file, struct error *);
static int loader_find(char *const *dirs, const char *name, char **path, struct error *);
static const struct drover_plugin *loader_symbol(void *handle, const char *path, struct error *);
static void loader_copy(struct plugin_image *, const struct drover_plugin *);
static int loader_count(const void *const *list);

#define LOADER_MIN(a, b) ((a) < (b) ? (a) : (b))

/*
 * Checks the owner and the mode of a file or folder. A sticky folder such as
 * /tmp is accepted if sticky_ok is set: its entry is checked as well, and other
 * users cannot rename or remove an entry that they do not own.
 */
static int
loader_trusts(const struct stat *st, const char *path, bool sticky_ok, struct error *err)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return error_set(err, DROVER_CONFIG,
		    "%s belongs to user %u: it must belong to root or to the user that drover runs "
		    "as: chown it",
		    path, (unsigned)st->st_uid);
	if (S_ISLNK(st->st_mode) || (st->st_mode & (S_IWGRP | S_IWOTH)) == 0 ||
	    (sticky_ok && (st->st_mode & S_ISVTX) != 0))
		return 0;
	return error_set(err, DROVER_CONFIG,
	    "%s can be written by its group or by others, who could put their code into drover: "
	    "run chmod go-w on it",
	    path);
}

/*
 * Checks the owners of all links and folders that the path goes through as it
 * is written. The folders that the links lead to are checked by descriptor
 * afterwards.
 */
static int
loader_check_links(const char *dir, struct error *err)
{
	char path[PATH_MAX];
	struct stat st;
	bool last;

	if (!text_copy(path, sizeof path, dir))
		return error_set(err, DROVER_CONFIG, "plugin folder %.80s...: the path is too long",
		    dir);
	for (char *end = path + 1; *end != '\0'; end++) {
		end += strcspn(end, "/");
		last = *end == '\0';
		*end = '\0';
		if (lstat(path, &st) == -1)
			return error_errno(err, DROVER_CONFIG, "plugin folder %s", dir);
		if (loader_trusts(&st, path, true, err) == -1)
			return -1;
		if (last)
			break;
		*end = '/';
	}
	return 0;
}

static int
loader_open_folder(const char *dir, struct error *err)
{
	char real[PATH_MAX], *part, *rest;
	struct stat st;
	int fd, next;

	if (dir[0] != '/')
		return error_set(err, DROVER_CONFIG, "plugin folder %s: the path must be absolute",
		    dir);
	if (loader_check_links(dir, err) == -1)
		return -1;
	if (realpath(dir, real) == NULL)
		return error_errno(err, DROVER_CONFIG, "plugin folder %s", dir);
	if ((fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)) == -1)
		return error_errno(err, DROVER_CONFIG, "plugin folder %s", dir);
	for (rest = real + 1; (part = strsep(&rest, "/")) != NULL && *part != '\0'; fd = next) {
		if (fstat(fd, &st) == -1) {
			error_errno(err, DROVER_CONFIG, "plugin folder %s", dir);
			goto fail;
		}
		if (loader_trusts(&st, dir, true, err) == -1) {
			error_prefix(err, "a parent of %s/%s", part, rest != NULL ? rest : "");
			goto fail;
		}
		if ((next = openat(fd, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) ==
		    -1) {
			error_errno(err, DROVER_CONFIG, "plugin folder %s", dir);
			goto fail;
		}
		close(fd);
	}
	if (fstat(fd, &st) == -1) {
		error_errno(err, DROVER_CONFIG, "plugin folder %s", dir);
		goto fail;
	}
	if (loader_trusts(&st, dir, false, err) == -1)
		goto fail;
	return fd;
fail:
	close(fd);
	return -1;
}

/*
 * Opens the plugin's file. Returns its descriptor; -1 with err->code 0 if the
 * folder is trusted but has no such file, or does not exist.
 */
static int
loader_open_file(const char *dir, const char *file, struct error *err)
{
	char *path = path_join(dir, file);
	struct stat st;
	int folder, fd = -1;

	err->code = 0;
	if (access(dir, F_OK) == -1 && errno == ENOENT)
		goto out;
	if ((folder = loader_open_folder(dir, err)) == -1)
		goto out;
	fd = openat(folder, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1 && errno == ELOOP)
		error_set(err, DROVER_CONFIG,
		    "%s is a symbolic link: put the file itself there", path);
	else if (fd == -1 && errno != ENOENT)
		error_errno(err, DROVER_CONFIG, "cannot open %s", path);
	close(folder);
	if (fd == -1)
		goto out;
	if (fstat(fd, &st) == -1)
		error_errno(err, DROVER_CONFIG, "%s", path);
	else if (!S_ISREG(st.st_mode))
		error_set(err, DROVER_CONFIG, "%s is not a regular file", path);
	else if (loader_trusts(&st, path, false, err) == 0)
		goto out;
	close(fd);
	fd = -1;
out:
	free(path);
	return fd;
}

static int
loader_find(char *const *dirs, const char *name, char **path, struct error *err)
{
	char *file = xasprintf("%s.so", name);
	struct buf looked = BUF_INIT;
	struct error why = { 0 };
	int fd = -1;

	for (; dirs != NULL && *dirs != NULL; dirs++) {
		if ((fd = loader_open_file(*dirs, file, &why)) != -1) {
			*path = path_join(*dirs, file);
			break;
		}
		if (why.code != 0)
			break;
		buf_addf(&looked, "%s%s", looked.len > 0 ? ", " : "", *dirs);
	}
	if (fd == -1 && why.code != 0) {
		error_set(err, why.code, "plugin %s: %s", name, why.text);
	} else if (fd == -1) {
		error_set(err, DROVER_CONFIG,
		    "plugin %s: there is no %s in %s: install it or correct plugin_dirs", name,
		    file, looked.len > 0 ? looked.data : "any folder (plugin_dirs is empty)");
	}
	buf_free(&looked);
	free(file);
	return fd;
}

static const struct drover_plugin *
loader_symbol(void *handle, const char *path, struct error *err)
{
	char symbol[sizeof LOADER_SYMBOL + 12];
	const void *found;

	for (int major = DROVER_ABI_MAJOR; major <= DROVER_ABI_MAJOR + LOADER_MAJORS_TRIED;
	     major++) {
		(void)snprintf(symbol, sizeof symbol, "%s%d", LOADER_SYMBOL, major);
		if ((found = dlsym(handle, symbol)) == NULL)
			continue;
		if (major == DROVER_ABI_MAJOR)
			return found;
		error_set(err, DROVER_CONFIG,
		    "%s speaks ABI %d, this drover speaks %d: install the plugin's release for "
		    "this drover",
		    path, major, DROVER_ABI_MAJOR);
		return NULL;
	}
	error_set(err, DROVER_CONFIG, "%s is not a plugin for drover: it does not export %s%d",
	    path, LOADER_SYMBOL, DROVER_ABI_MAJOR);
	return NULL;
}

static int
loader_count(const void *const *list)
{
	int n = 0;

	while (list != NULL && list[n] != NULL)
		n++;
	return n;
}

#define LOADER_COPY_LIST(image, list, type) \
	do { \
		(image)->list##_len = loader_count((const void *const *)(image)->plugin.list); \
		(image)->list = xcalloc((size_t)(image)->list##_len + 1, sizeof(type)); \
		for (int i_ = 0; i_ < (image)->list##_len; i_++) \
			memcpy(&(image)->list[i_], (image)->plugin.list[i_], \
			    LOADER_MIN((image)->plugin.list[i_]->size, sizeof(type))); \
	} while (0)

static void
loader_copy(struct plugin_image *image, const struct drover_plugin *plugin)
{
	memcpy(&image->plugin, plugin, LOADER_MIN(plugin->size, sizeof image->plugin));
	LOADER_COPY_LIST(image, sources, struct drover_source);
	LOADER_COPY_LIST(image, pipelines, struct drover_pipeline);
	LOADER_COPY_LIST(image, operations, struct drover_operation);
}

int
loader_open(char *const *dirs, const char *name, struct plugin_image *image, struct error *err)
{
	const struct drover_plugin *plugin;
	char self[40];
	int fd;

	memset(image, 0, sizeof *image);
	if (!text_is_name(name))
		return error_set(err, DROVER_CONFIG,
		    "a plugin cannot be called \"%.64s\": names have a-z, 0-9, - and _ only, "
		    "%d at most, and no path",
		    name, DROVER_NAME_MAX);
	if ((fd = loader_find(dirs, name, &image->path, err)) == -1)
		return -1;
	/*
	 * The dynamic linker tells libraries apart by this text. The descriptor
	 * stays open so that no second plugin gets the same number.
	 */
	(void)snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
	if ((image->handle = dlopen(self, RTLD_NOW | RTLD_LOCAL)) == NULL) {
		const char *why = dlerror();

		error_set(err, DROVER_CONFIG, "%s cannot be loaded: %s", image->path,
		    why != NULL ? why : "unknown");
		close(fd);
		goto fail;
	}
	if ((plugin = loader_symbol(image->handle, image->path, err)) == NULL ||
	    descriptor_check(plugin, name, err) == -1)
		goto fail;
	loader_copy(image, plugin);
	return 0;
fail:
	loader_free(image);
	return -1;
}

void
loader_free(struct plugin_image *image)
{
	free(image->path);
	free(image->sources);
	free(image->pipelines);
	free(image->operations);
	memset(image, 0, sizeof *image);
}
