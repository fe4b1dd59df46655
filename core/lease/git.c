/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs git's command line and waits for it; nothing is kept between calls. git
 * gets an environment of its own and every switch that keeps a repository from
 * running code: hooks, file system monitors, helpers. Filters are the
 * exception, which filters.c makes by the settings that it gives. A secret goes
 * to git in a nameless file that its credential helper reads, so neither argv,
 * environment nor a config ever holds it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/spawn.h"
#include "base/text.h"
#include "lease/files.h"

#define GIT_ARGS_MAX 96
#define GIT_ERR_MAX 4096
#define GIT_FD_SECRET 3
#define GIT_FD_LOCK 4

static const char *const fixed_config[] = {
	"core.hooksPath=/dev/null",
	"core.fsmonitor=false",
	"core.untrackedCache=false",
	"gc.auto=0",
	"maintenance.auto=false",
	"submodule.recurse=false",
	"fetch.recurseSubmodules=false",
	"checkout.thresholdForParallelism=100",
	"advice.detachedHead=false",
	"advice.addEmbeddedRepo=false",
	"protocol.ext.allow=never",
	"core.sparseCheckout=false",
	"http.lowSpeedLimit=1000",
	"http.lowSpeedTime=60",
	"core.logAllRefUpdates=false",
};

/*
 * Added when the user's setup is not wanted: git would still find its ignore
 * and attribute files in HOME.
 */
static const char *const bare_config[] = { "core.excludesFile=/dev/null",
	"core.attributesFile=/dev/null" };

/* For git with the user's settings, and for filters. */
static const char *const user_env[] = {
	"HOME",
	"USER",
	"LOGNAME",
	"TMPDIR",
	"XDG_CONFIG_HOME",
	"XDG_CACHE_HOME",
	"XDG_RUNTIME_DIR",
	"SSH_AUTH_SOCK",
	"SSH_AGENT_PID",
	"GIT_SSH",
	"GIT_SSH_COMMAND",
	"GNUPGHOME",
	"SOPS_AGE_KEY_FILE",
	"GIT_SSL_CAINFO",
	"SSL_CERT_FILE",
	"SSL_CERT_DIR",
	"http_proxy",
	"https_proxy",
	"HTTPS_PROXY",
	"all_proxy",
	"ALL_PROXY",
	"no_proxy",
	"NO_PROXY",
};

static const char *const user_config_env[] = { "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM",
	"GIT_CONFIG_NOSYSTEM" };

struct git_argv {
	const char *list[GIT_ARGS_MAX];
	char *own[8];
	int len, own_len;
};

struct git_env {
	char **list;
	size_t len, cap;
};

static void git_argv_add(struct git_argv *, const char *);
static void git_argv_own(struct git_argv *, char *);
static void git_argv_build(struct git_argv *, const struct git_run *, const char *const *args);
static void git_argv_free(struct git_argv *);
static void git_env_add(struct git_env *, char *);
static void git_env_pass(struct git_env *, const char *const *names, size_t n);
static void git_env_build(struct git_env *, const struct git_run *);
static int git_memory(const struct git_run *, const char *data, size_t len, int *fd,
    struct error *);
static int git_spawn(const struct git_run *, const struct git_argv *, char **env, int in,
    int secret, const int out[2], const int diag[2], pid_t *, struct error *);
static void git_collect(struct git_run *, int out, int diag);

bool
git_found(void)
{
	return git_program_found("git");
}

bool
git_program_found(const char *name)
{
	const char *path = getenv("PATH"), *end;
	bool found = false;

	while (path != NULL && *path != '\0' && !found) {
		end = strchrnul(path, ':');
		if (end > path && *path == '/') {
			char *file = xasprintf("%.*s/%s", (int)(end - path), path, name);
			found = access(file, X_OK) == 0;
			free(file);
		}
		path = *end == ':' ? end + 1 : NULL;
	}
	return found;
}

int
git_run(struct git_run *run, const char *const *args, struct error *err)
{
	struct git_argv argv = { .len = 0 };
	struct git_env env = { .len = 0 };
	int out[2] = { -1, -1 }, diag[2] = { -1, -1 }, secret = -1, in = -1, status, result = -1;
	pid_t pid;

	git_argv_build(&argv, run, args);
	git_env_build(&env, run);
	if (pipe2(out, O_CLOEXEC) != 0 || pipe2(diag, O_CLOEXEC) != 0) {
		error_errno(err, DROVER_INTERNAL, "cannot make a pipe for git");
		goto out;
	}
	if (run->secret != NULL &&
	    git_memory(run, run->secret, strlen(run->secret), &secret, err) != 0)
		goto out;
	if (run->in != NULL && git_memory(run, buf_str(run->in), run->in->len, &in, err) != 0)
		goto out;
	if (git_spawn(run, &argv, env.list, in, secret, out, diag, &pid, err) != 0)
		goto out;
	close(out[1]);
	close(diag[1]);
	out[1] = diag[1] = -1;
	git_collect(run, out[0], diag[0]);
	if (proc_reap(pid, &status) != 0)
		error_errno(err, DROVER_INTERNAL, "cannot wait for git");
	else if (WIFEXITED(status))
		result = WEXITSTATUS(status);
	else
		error_set(err, DROVER_INTERNAL, "git %s was ended by signal %d", args[0],
		    WTERMSIG(status));
out:
	for (int i = 0; i < 2; i++) {
		path_close(&out[i]);
		path_close(&diag[i]);
	}
	path_close(&secret);
	path_close(&in);
	free_strings(env.list);
	git_argv_free(&argv);
	return result;
}

int
git_must(struct git_run *run, const char *const *args, int code, const char *what,
    struct error *err)
{
	char said[301];
	int status = git_run(run, args, err);

	if (status > 0) {
		if (strstr(buf_str(&run->err), "No space left") != NULL ||
		    strstr(buf_str(&run->err), "quota exceeded") != NULL)
			code = DROVER_AGAIN;
		error_set(err, code, "%s: git %s failed with status %d: %s", what, args[0], status,
		    text_show_in(said, sizeof said, buf_str(&run->err), run->err.len));
	}
	buf_free(&run->err);
	return status == 0 ? 0 : -1;
}

int
git_fail(int code, struct error *err, const char *format, ...)
{
	const git_error *last = git2.error_last();
	char said[301];
	const char *text =
	    last != NULL && last->message != NULL ? last->message : "no reason given";
	va_list ap;
	char *what;

	va_start(ap, format);
	what = xvasprintf(format, ap);
	va_end(ap);
	error_set(err, code, "%s: %s", what,
	    text_show_in(said, sizeof said, text, strlen(text)));
	free(what);
	return -1;
}

static void
git_argv_add(struct git_argv *argv, const char *word)
{
	MUST(argv->len + 1 < GIT_ARGS_MAX);
	argv->list[argv->len++] = word;
	argv->list[argv->len] = NULL;
}

static void
git_argv_own(struct git_argv *argv, char *word)
{
	MUST(argv->own_len < (int)ARRAY_LEN(argv->own));
	argv->own[argv->own_len++] = word;
	git_argv_add(argv, word);
}

static void
git_argv_build(struct git_argv *argv, const struct git_run *run, const char *const *args)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	git_argv_add(argv, "git");
	if (run->gitdir != NULL)
		git_argv_own(argv, xasprintf("--git-dir=%s", run->gitdir));
	if (run->inside)
		git_argv_own(argv, xasprintf("--work-tree=%s", run->tree->path));
	for (size_t i = 0; i < ARRAY_LEN(fixed_config); i++) {
		git_argv_add(argv, "-c");
		git_argv_add(argv, fixed_config[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(bare_config) && !run->user; i++) {
		git_argv_add(argv, "-c");
		git_argv_add(argv, bare_config[i]);
	}
	git_argv_add(argv, "-c");
	git_argv_own(argv, xasprintf("checkout.workers=%ld", cpus > 0 ? cpus : 1));
	if (run->secret != NULL) {
		git_argv_add(argv, "-c");
		git_argv_add(argv, "credential.helper=");
		git_argv_add(argv, "-c");
		git_argv_add(argv,
		    "credential.helper=!f() { test \"$1\" = get && cat /dev/fd/3; }; f");
	}
	while (*args != NULL)
		git_argv_add(argv, *args++);
}

static void
git_argv_free(struct git_argv *argv)
{
	for (int i = 0; i < argv->own_len; i++)
		free(argv->own[i]);
}

static void
git_env_add(struct git_env *env, char *word)
{
	env->list = xgrow(env->list, env->len + 2, &env->cap, sizeof *env->list);
	env->list[env->len++] = word;
	env->list[env->len] = NULL;
}

static void
git_env_pass(struct git_env *env, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *value = getenv(names[i]);

		if (value != NULL)
			git_env_add(env, xasprintf("%s=%s", names[i], value));
	}
}

static void
git_env_build(struct git_env *env, const struct git_run *run)
{
	const char *path = getenv("PATH");
	size_t n = 0;

	git_env_add(env,
	    xasprintf("PATH=%s", path != NULL ? path : "/usr/local/bin:/usr/bin:/bin"));
	git_env_add(env, xstrdup("LC_ALL=C"));
	git_env_add(env, xstrdup("GIT_TERMINAL_PROMPT=0"));
	git_env_add(env, xstrdup("GIT_NO_REPLACE_OBJECTS=1"));
	if (run->index != NULL)
		git_env_add(env, xasprintf("GIT_INDEX_FILE=%s", run->index));
	if (run->user || run->config != NULL)
		git_env_pass(env, user_env, ARRAY_LEN(user_env));
	else
		git_env_add(env, xstrdup("HOME=/nonexistent"));
	if (run->user)
		git_env_pass(env, user_config_env, ARRAY_LEN(user_config_env));
	else {
		git_env_add(env, xstrdup("GIT_CONFIG_NOSYSTEM=1"));
		git_env_add(env, xstrdup("GIT_ATTR_NOSYSTEM=1"));
		git_env_add(env, xstrdup("GIT_CONFIG_GLOBAL=/dev/null"));
	}
	for (; run->config != NULL && run->config[2 * n] != NULL; n++) {
		git_env_add(env, xasprintf("GIT_CONFIG_KEY_%zu=%s", n, run->config[2 * n]));
		git_env_add(env, xasprintf("GIT_CONFIG_VALUE_%zu=%s", n, run->config[2 * n + 1]));
	}
	git_env_add(env, xasprintf("GIT_CONFIG_COUNT=%zu", n));
}

/*
 * Makes a nameless file in memory. git reads its input from one, which may be
 * larger than a pipe, and its credential helper the secret: git-lfs asks the
 * helper more than once.
 */
static int
git_memory(const struct git_run *run, const char *data, size_t len, int *fd, struct error *err)
{
	*fd = memfd_create("git", MFD_CLOEXEC);
	if (*fd < 0 || path_write_all(*fd, data, len) != 0 || lseek(*fd, 0, SEEK_SET) != 0)
		return error_errno(err, DROVER_INTERNAL, "repo %s: cannot hand git its input",
		    run->tree->repo->name);
	return 0;
}

static int
git_spawn(const struct git_run *run, const struct git_argv *argv, char **env, int in, int secret,
    const int out[2], const int diag[2], pid_t *pid, struct error *err)
{
	struct spawn child = { .file = "git",
		.argv = argv->list,
		.env = env,
		.cwd = run->inside ? run->tree->path : "/",
		.fd = { in >= 0 ? in : SPAWN_NULL, out[1], diag[1] } };

	if (secret >= 0)
		child.fd[GIT_FD_SECRET] = secret;
	/* A git that outlives this process keeps the tree locked. */
	if (run->tree->lock >= 0)
		child.fd[GIT_FD_LOCK] = run->tree->lock;
	if (spawn_start(&child, pid) == -1)
		return error_errno(err, DROVER_INTERNAL, "cannot run git %s",
		    argv->list[argv->len - 1]);
	return 0;
}

static void
git_collect(struct git_run *run, int out, int diag)
{
	struct pollfd fds[2] = { { out, POLLIN, 0 }, { diag, POLLIN, 0 } };
	char data[16384];
	ssize_t n;

	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return;
		for (int i = 0; i < 2; i++) {
			if (fds[i].fd < 0 || fds[i].revents == 0)
				continue;
			n = read(fds[i].fd, data, sizeof data);
			if (n < 0 && errno == EINTR)
				continue;
			if (n <= 0)
				fds[i].fd = -1;
			else if (i == 0 && run->out != NULL)
				buf_add(run->out, data, (size_t)n);
			else if (i == 1 && run->err.len < GIT_ERR_MAX)
				buf_add(&run->err, data, (size_t)n);
		}
	}
}
