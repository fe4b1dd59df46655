/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prompts are looked at before the daemon starts with a configuration: what
 * plugins declare is asked of a process that loads them, as the core itself
 * never does.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "config/prompts.h"
#include "load/prompt_files.h"

#define DESCRIBE_MS 10000
#define DESCRIBE_MAX (1024 * 1024)

extern char **environ;

static cJSON *describe(const char *self, const struct config *, const char *plugin);
static bool describe_read(int fd, struct buf *out);
static bool overrides(const struct config *);

/* False when it took too long or said too much. */
static bool
describe_read(int fd, struct buf *out)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int64_t end = clock_mono() + DESCRIBE_MS, left;
	char chunk[4096];
	ssize_t n;

	while (out->len <= DESCRIBE_MAX) {
		if ((left = end - clock_mono()) <= 0)
			return false;
		if (poll(&p, 1, (int)left) <= 0)
			continue;
		n = read(fd, chunk, sizeof chunk);
		if (n == 0)
			return true;
		if (n > 0)
			buf_add(out, chunk, (size_t)n);
		else if (errno != EINTR)
			return false;
	}
	return false;
}

/* NULL when the plugin cannot be loaded: its runner will say why. */
static cJSON *
describe(const char *self, const struct config *config, const char *plugin)
{
	posix_spawn_file_actions_t actions;
	struct error ignored;
	struct buf out = BUF_INIT;
	cJSON *json = NULL;
	char **argv;
	int fds[2], status = -1;
	size_t n = 0;
	bool whole = false;
	pid_t pid;

	while (config->plugin_dirs != NULL && config->plugin_dirs[n] != NULL)
		n++;
	if (pipe2(fds, O_CLOEXEC) != 0)
		return NULL;
	argv = xcalloc(n + 5, sizeof *argv);
	argv[0] = (char *)(uintptr_t)self;
	argv[1] = (char *)(uintptr_t)"-x";
	argv[2] = (char *)(uintptr_t)"describe";
	argv[3] = (char *)(uintptr_t)plugin;
	for (size_t i = 0; i < n; i++)
		argv[4 + i] = config->plugin_dirs[i];
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	if (posix_spawn(&pid, self, &actions, NULL, argv, environ) != 0)
		pid = -1;
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	if (pid != -1) {
		whole = describe_read(fds[0], &out);
		if (!whole)
			(void)kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
			;
	}
	close(fds[0]);
	if (whole && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		json = json_parse(buf_str(&out), out.len, DESCRIBE_MAX, &ignored);
	buf_free(&out);
	free(argv);
	return json;
}

static bool
overrides(const struct config *config)
{
	if (config->prompts != NULL)
		return true;
	for (int i = 0; i < config->repos_len; i++)
		if (config->repos[i].prompts != NULL)
			return true;
	for (int i = 0; i < config->plugins_len; i++)
		for (int j = 0; j < config->plugins[i].sources_len; j++)
			if (config->plugins[i].sources[j].prompts != NULL)
				return true;
	return false;
}

int
prompts_verify(const char *self, const struct config *config, bool whole,
    const cJSON *(*known)(void *, const char *), void *arg, struct buf *faults, struct error *err)
{
	cJSON *all, *one;
	const cJSON *has;
	struct buf lines = BUF_INIT;
	int n;

	/*
	 * drover's own files are looked at where a person asks for it, not at
	 * each start.
	 */
	if (!whole && !overrides(config))
		return 0;
	all = cJSON_CreateArray();
	for (int i = 0; i < config->plugins_len; i++) {
		has = known != NULL ? known(arg, config->plugins[i].name) : NULL;
		one = has != NULL ? cJSON_Duplicate(has, true) :
				    describe(self, config, config->plugins[i].name);
		if (one != NULL)
			cJSON_AddItemToArray(all, one);
	}
	n = prompts_check(config, all, &lines);
	if (n == 1)
		error_set(err, DROVER_CONFIG, "%.*s", (int)strcspn(buf_str(&lines), "\n"),
		    buf_str(&lines));
	else if (n > 1)
		error_set(err, DROVER_CONFIG, "%.*s (and %d more: see drover config check)",
		    (int)strcspn(buf_str(&lines), "\n"), buf_str(&lines), n - 1);
	if (faults != NULL)
		buf_adds(faults, buf_str(&lines));
	buf_free(&lines);
	cJSON_Delete(all);
	return n == 0 ? 0 : -1;
}
