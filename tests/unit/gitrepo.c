/* SPDX-License-Identifier: Apache-2.0 */
/* Repositories for tests. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/path.h"

#include "gitrepo.h"
#include "temp.h"

static int
shell_run(const char *dir, const char *script, struct buf *out)
{
	char *whole = xasprintf("set -e; cd '%s'; %s", dir, script), data[4096];
	char *argv[] = { (char *)(uintptr_t)"sh", (char *)(uintptr_t)"-c", whole, NULL };
	char *path = xasprintf("PATH=%s",
	    getenv("SHELL_PATH") != NULL ? getenv("SHELL_PATH") : getenv("PATH"));
	char *env[] = { path, (char *)(uintptr_t) "HOME=/nonexistent",
		(char *)(uintptr_t) "GIT_CONFIG_NOSYSTEM=1",
		(char *)(uintptr_t) "GIT_AUTHOR_NAME=Ann",
		(char *)(uintptr_t) "GIT_AUTHOR_EMAIL=ann@localhost",
		(char *)(uintptr_t) "GIT_COMMITTER_NAME=Ann",
		(char *)(uintptr_t) "GIT_COMMITTER_EMAIL=ann@localhost", NULL };
	posix_spawn_file_actions_t files;
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	MUST(pipe2(fds, O_CLOEXEC) == 0);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, fds[1], 1);
	MUST(posix_spawn(&pid, "/bin/sh", &files, NULL, argv, env) == 0);
	posix_spawn_file_actions_destroy(&files);
	close(fds[1]);
	while ((n = read(fds[0], data, sizeof data)) > 0 || (n < 0 && errno == EINTR)) {
		if (n > 0)
			buf_add(out, data, (size_t)n);
	}
	close(fds[0]);
	while (waitpid(pid, &status, 0) < 0)
		MUST(errno == EINTR);
	free(whole);
	free(path);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int
shell(const char *dir, const char *format, ...)
{
	struct buf out = BUF_INIT;
	va_list ap;
	char *script;
	int status;

	va_start(ap, format);
	script = xvasprintf(format, ap);
	va_end(ap);
	status = shell_run(dir, script, &out);
	if (status != 0)
		fprintf(stderr, "status %d: %s\n", status, script);
	free(script);
	buf_free(&out);
	return status;
}

const char *
shell_out(const char *dir, const char *format, ...)
{
	static char *kept[4];
	static int next;
	struct buf out = BUF_INIT;
	va_list ap;
	char *script;
	int status;

	va_start(ap, format);
	script = xvasprintf(format, ap);
	va_end(ap);
	status = shell_run(dir, script, &out);
	if (status != 0)
		fprintf(stderr, "status %d: %s\n", status, script);
	MUST(status == 0);
	free(script);
	if (out.len > 0 && out.data[out.len - 1] == '\n')
		out.data[--out.len] = '\0';
	next = (next + 1) % 4;
	free(kept[next]);
	kept[next] = buf_take(&out);
	return kept[next];
}

void
gitrepo_make(struct gitrepo *g)
{
	memset(g, 0, sizeof *g);
	g->dir = temp_make();
	g->up = path_join(g->dir, "up");
	g->state = path_join(g->dir, "state");
	g->mirror = path_join(g->state, "mirrors/web.git");
	MUST(shell(g->dir,
		 "git init -q -b main up && cd up && mkdir -p src/deep && echo one >a.txt && echo "
		 "two >src/b.txt && "
		 "echo three >src/deep/c.txt && printf '*.o\\nnode_modules/\\n' >.gitignore && git "
		 "add -A && git commit -qm first && "
		 "git tag -a v1 -m v1 && git tag light && git branch side && "
		 "git checkout -q side && echo side >side.txt && git add -A && git commit -qm side "
		 "&& git checkout -q main && "
		 "echo 1 >>a.txt && git commit -qam second") == 0);
	g->repo.name = xstrdup("web");
	g->repo.url = xstrdup(g->up);
	g->repo.base = xstrdup("main");
	g->repo.transport = xstrdup("libgit2");
}

void
gitrepo_free(struct gitrepo *g)
{
	free(g->repo.name);
	free(g->repo.url);
	free(g->repo.base);
	free(g->repo.transport);
	free(g->up);
	free(g->state);
	free(g->mirror);
	temp_remove(g->dir);
}

void
gitrepo_tree(const struct gitrepo *g, struct tree *t, uint64_t id)
{
	char *path = xasprintf("%s/trees/web/%llu", g->state, (unsigned long long)id);

	MUST(tree_init(t, id, &g->repo, path, g->mirror, g->state, NULL) == 0);
	free(path);
}

const char *
gitrepo_prepare(struct tree *t, const char *state, const char *ref)
{
	static char saved[256];
	struct error err = { .code = 0 };

	if (tree_fetch(t, &err) != 0 ||
	    tree_prepare(t, state, ref, saved, sizeof saved, &err) != 0) {
		fprintf(stderr, "%s\n", err.text);
		MUST(false);
	}
	return saved;
}
