/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the file of a prompt, in the folders that the configuration names and
 * in drover's own. Nothing below state_dir is ever read, since worktrees are
 * there, with files that others wrote.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "config/prompts.h"

#define NAMES_MAX 256
#define NAMES_SHOWN_MAX 300
#define SUFFIX ".md"

static bool prompts_is_name(const char *);
static char *prompts_folder(const struct config *, const struct prompt_for *, enum prompt_place);
static bool prompts_lies_below(int fd, const char *dir);
static int prompts_read_file(const struct config *, const char *path, struct buf *, struct error *);
static int prompts_missing(const struct config *, const struct prompt_for *, const char *name,
    struct error *);
static void prompts_names_add(char ***names, size_t *len, const char *dir);
static int prompts_names_compare(const void *, const void *);

const char *
prompts_place_name(enum prompt_place place)
{
	static const char *const names[] = { "source", "repo", "configuration", "drover" };

	return names[place];
}

/* True for a name of a prompt: [a-z0-9-]+, at most 64 bytes. */
static bool
prompts_is_name(const char *name)
{
	return text_is_name(name) && strchr(name, '_') == NULL;
}

/*
 * The folder of a place: the configured one, or drover's own with the plugin's
 * name added; NULL if the place has no folder. The caller frees it.
 */
static char *
prompts_folder(const struct config *c, const struct prompt_for *who, enum prompt_place place)
{
	const struct config_source *source;
	const struct config_repo *repo;
	char *name, *path;

	switch (place) {
	case PROMPT_OF_SOURCE:
		source = who->source != NULL ? config_source(c, who->source) : NULL;
		return source != NULL ? xstrdup(source->prompts) : NULL;
	case PROMPT_OF_REPO:
		repo = who->repo != NULL ? config_repo(c, who->repo) : NULL;
		return repo != NULL ? xstrdup(repo->prompts) : NULL;
	case PROMPT_OF_CONFIG:
		return xstrdup(c->prompts);
	default:
		name = xasprintf("prompts/%s", who->plugin);
		path = path_data(name);
		free(name);
		return path;
	}
}

static bool
prompts_lies_below(int fd, const char *dir)
{
	char self[40], real[PATH_MAX], state[PATH_MAX];
	ssize_t n;
	size_t len;

	if (dir == NULL || realpath(dir, state) == NULL)
		return false;
	(void)snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
	if ((n = readlink(self, real, sizeof real - 1)) <= 0)
		return true;
	real[n] = '\0';
	len = strlen(state);
	return strncmp(real, state, len) == 0 && real[len] == '/';
}

/* Returns 1 if the file was read, 0 if there is no such file, or -1. */
static int
prompts_read_file(const struct config *c, const char *path, struct buf *out, struct error *err)
{
	struct stat st;
	char chunk[16384];
	ssize_t n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), result = -1;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0)
		return error_errno(err, DROVER_CONFIG, "prompt %s", path);
	if (fstat(fd, &st) != 0)
		error_errno(err, DROVER_CONFIG, "prompt %s", path);
	else if (!S_ISREG(st.st_mode))
		error_set(err, DROVER_CONFIG, "prompt %s is not a regular file", path);
	else if (prompts_lies_below(fd, c->state_dir))
		error_set(err, DROVER_CONFIG,
		    "prompt %s lies in state_dir, where worktrees are: put prompts elsewhere",
		    path);
	else {
		buf_clear(out);
		while (out->len <= PROMPT_FILE_MAX &&
		    ((n = read(fd, chunk, sizeof chunk)) > 0 || (n < 0 && errno == EINTR)))
			if (n > 0)
				buf_add(out, chunk, (size_t)n);
		if (n < 0)
			error_errno(err, DROVER_CONFIG, "prompt %s", path);
		else if (out->len > PROMPT_FILE_MAX)
			error_set(err, DROVER_CONFIG, "prompt %s is larger than %d KiB", path,
			    PROMPT_FILE_MAX / 1024);
		else if (!text_is_utf8(buf_str(out), out->len))
			error_set(err, DROVER_CONFIG, "prompt %s is not UTF-8", path);
		else
			result = 1;
	}
	close(fd);
	if (result == 1 && out->len >= 3 && memcmp(out->data, "\xef\xbb\xbf", 3) == 0)
		buf_drop(out, 3);
	return result;
}

int
prompts_find(const struct config *c, const struct prompt_for *who, const char *name,
    struct prompt_text *found, struct error *err)
{
	char *folder;
	int r = 0;

	*found = (struct prompt_text){ .path = NULL };
	if (!prompts_is_name(name))
		return error_set(err, DROVER_PERMANENT,
		    "\"%.64s\" is not the name of a prompt: a-z, 0-9 and - only", name);
	for (int place = 0; place < PROMPT_PLACES && r == 0; place++) {
		if ((folder = prompts_folder(c, who, (enum prompt_place)place)) == NULL)
			continue;
		found->place = (enum prompt_place)place;
		for (int i = place == PROMPT_OF_DROVER ? 1 : 0; i < 2 && r == 0; i++) {
			free(found->path);
			found->path = i == 0 ?
			    xasprintf("%s/%s/%s" SUFFIX, folder, who->plugin, name) :
			    xasprintf("%s/%s" SUFFIX, folder, name);
			r = prompts_read_file(c, found->path, &found->text, err);
		}
		free(folder);
	}
	if (r == 1)
		return 0;
	prompts_free(found);
	return r == 0 ? prompts_missing(c, who, name, err) : -1;
}

void
prompts_free(struct prompt_text *found)
{
	free(found->path);
	buf_free(&found->text);
	found->path = NULL;
}

static int
prompts_missing(const struct config *c, const struct prompt_for *who, const char *name,
    struct error *err)
{
	struct buf list = BUF_INIT;
	char **names = prompts_names(c, who);

	for (size_t i = 0; names[i] != NULL; i++) {
		if (list.len + strlen(names[i]) > NAMES_SHOWN_MAX) {
			buf_adds(&list, ", ...");
			break;
		}
		buf_addf(&list, "%s%s", i > 0 ? ", " : "", names[i]);
	}
	if (list.len > 0)
		error_set(err, DROVER_PERMANENT, "no such prompt %s: there are %s", name,
		    buf_str(&list));
	else
		error_set(err, DROVER_PERMANENT,
		    "no such prompt %s: plugin %s has none (see drover prompt list)", name,
		    who->plugin);
	free_strings(names);
	buf_free(&list);
	return -1;
}

static void
prompts_names_add(char ***names, size_t *len, const char *dir)
{
	DIR *folder = opendir(dir);
	struct dirent *entry;
	char *name;
	size_t n, i;

	while (folder != NULL && *len < NAMES_MAX && (entry = readdir(folder)) != NULL) {
		n = strlen(entry->d_name);
		if (n <= strlen(SUFFIX) || strcmp(entry->d_name + n - strlen(SUFFIX), SUFFIX) != 0)
			continue;
		name = xstrndup(entry->d_name, n - strlen(SUFFIX));
		for (i = 0; i < *len && strcmp((*names)[i], name) != 0; i++)
			;
		if (i < *len || !prompts_is_name(name)) {
			free(name);
			continue;
		}
		*names = xreallocarray(*names, *len + 2, sizeof **names);
		(*names)[(*len)++] = name;
		(*names)[*len] = NULL;
	}
	if (folder != NULL)
		closedir(folder);
}

static int
prompts_names_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char **
prompts_names(const struct config *c, const struct prompt_for *who)
{
	char **names = xcalloc(1, sizeof *names), *folder, *own;
	size_t len = 0;

	for (int place = 0; place < PROMPT_PLACES; place++) {
		if ((folder = prompts_folder(c, who, (enum prompt_place)place)) == NULL)
			continue;
		if (place != PROMPT_OF_DROVER) {
			own = path_join(folder, who->plugin);
			prompts_names_add(&names, &len, own);
			free(own);
		}
		prompts_names_add(&names, &len, folder);
		free(folder);
	}
	qsort(names, len, sizeof *names, prompts_names_compare);
	return names;
}

