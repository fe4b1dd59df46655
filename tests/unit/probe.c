/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at the results of a test: what git says, and what files contain. */
#include <check.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "probe.h"

#define PROBE_MAX (4 << 20)

extern char **environ;

int
git(const char *where, struct buf *out, const char *first, ...)
{
	char *argv[16] = { (char *)(uintptr_t) "git", (char *)(uintptr_t) "-C",
		(char *)(uintptr_t)where, (char *)(uintptr_t)first };
	posix_spawn_file_actions_t actions;
	char bytes[4096];
	ssize_t got;
	int fds[2], n = 4, status;
	pid_t pid;
	va_list ap;

	va_start(ap, first);
	while ((argv[n] = va_arg(ap, char *)) != NULL)
		MUST(++n < 15);
	va_end(ap);
	MUST(pipe2(fds, O_CLOEXEC) == 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
	MUST(posix_spawnp(&pid, "git", &actions, NULL, argv, environ) == 0);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	while ((got = read(fds[0], bytes, sizeof bytes)) > 0) {
		if (out != NULL)
			buf_add(out, bytes, (size_t)got);
	}
	close(fds[0]);
	MUST(waitpid(pid, &status, 0) == pid);
	if (out != NULL && out->len > 0 && out->data[out->len - 1] == '\n')
		out->data[--out->len] = '\0';
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void
git_is(const char *where, const char *expected, const char *a, const char *b, const char *c,
    const char *d)
{
	struct buf out = BUF_INIT;

	ck_assert_int_eq(git(where, &out, a, b, c, d, NULL), 0);
	ck_assert_str_eq(buf_str(&out), expected);
	buf_free(&out);
}

int
probe_lines(const char *dir, const char *name)
{
	char *path = path_join(dir, name);
	struct buf text = BUF_INIT;
	int lines = 0;

	if (path_read(path, PROBE_MAX, &text, NULL) == 0) {
		for (size_t i = 0; i < text.len; i++)
			lines += text.data[i] == '\n';
	}
	buf_free(&text);
	free(path);
	return lines;
}

bool
probe_has(const char *dir, const char *name, const char *text)
{
	char *path = path_join(dir, name);
	struct buf bytes = BUF_INIT;
	bool has =
	    path_read(path, PROBE_MAX, &bytes, NULL) == 0 && strstr(buf_str(&bytes), text) != NULL;

	buf_free(&bytes);
	free(path);
	return has;
}
