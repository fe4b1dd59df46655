/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a secret at the moment it is needed: from its owner's file, the
 * environment, or a command without a shell.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/secrets.h"
#include "base/spawn.h"
#include "config/options.h"

#define SECRET_MAX 65536
#define COMMAND_MS 10000

static int secret_read_file(const char *, struct buf *, struct error *);
static int secret_check_file(const char *, int, struct error *);
static int secret_read_env(const char *, struct buf *, struct error *);
static int secret_read_command(char *const *, struct buf *, struct error *);
static void secret_wipe(struct buf *);

static void
secret_wipe(struct buf *b)
{
	if (b->data != NULL)
		explicit_bzero(b->data, b->cap);
	buf_free(b);
}

/*
 * systemd gives credentials mode 0440 and an access list, in a folder that only
 * the service can read.
 */
static int
secret_check_file(const char *path, int fd, struct error *err)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	size_t len = credentials == NULL ? 0 : strlen(credentials);
	struct stat st;

	if (fstat(fd, &st) == -1)
		return error_errno(err, DROVER_CONFIG, "%s", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, DROVER_CONFIG, "%s is not a regular file", path);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return error_set(err, DROVER_CONFIG,
		    "%s belongs to another user: it must belong to root or to the daemon's user",
		    path);
	if (len > 0 && strncmp(path, credentials, len) == 0 && path[len] == '/' &&
	    strstr(path, "/../") == NULL)
		return 0;
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return error_set(err, DROVER_CONFIG,
		    "others than its owner may read or write %s: run chmod 600 %s", path, path);
	return 0;
}

static int
secret_read_file(const char *path, struct buf *out, struct error *err)
{
	int rc = -1, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd == -1)
		return error_errno(err, DROVER_CONFIG, "%s: cannot open", path);
	if (secret_check_file(path, fd, err) == 0 &&
	    (rc = path_read_all(fd, SECRET_MAX, 0, out)) == -1)
		error_errno(err, DROVER_CONFIG, "%s: cannot read", path);
	close(fd);
	return rc;
}

static int
secret_read_env(const char *name, struct buf *out, struct error *err)
{
	const char *value = getenv(name);

	if (value == NULL)
		return error_set(err, DROVER_CONFIG,
		    "the environment variable %s is not set: set it for the daemon", name);
	buf_adds(out, value);
	return 0;
}

static int
secret_read_command(char *const *argv, struct buf *out, struct error *err)
{
	struct spawn child = { .argv = (const char *const *)argv, .group = true };
	int status = 0;

	if (spawn_capture(&child, COMMAND_MS, SECRET_MAX, out, &status) == -1) {
		if (errno == ETIMEDOUT)
			return error_set(err, DROVER_AGAIN,
			    "%s did not print a secret and end within %d seconds", argv[0],
			    COMMAND_MS / 1000);
		if (errno == EFBIG)
			return error_set(err, DROVER_AGAIN,
			    "%s printed more than %d bytes: a secret is shorter", argv[0],
			    SECRET_MAX);
		return error_errno(err, DROVER_CONFIG, "%s: cannot run", argv[0]);
	}
	if (WIFSIGNALED(status))
		return error_set(err, DROVER_AGAIN, "%s was killed by signal %d", argv[0],
		    WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return error_set(err, DROVER_AGAIN,
		    "%s printed no secret, exit status %d: run it by hand as the daemon's user",
		    argv[0], WEXITSTATUS(status));
	return 0;
}

char *
secret_read(const char *file, const char *env, char *const *command, struct error *err)
{
	const char *from = file != NULL ? file : env != NULL ? env : command[0];
	/*
	 * Reserve room for the whole secret: growing would leave copies of
	 * parts of it in memory.
	 */
	struct buf out = { .data = xcalloc(1, SECRET_MAX + 1), .cap = SECRET_MAX + 1 };
	int rc;

	rc = file != NULL ? secret_read_file(file, &out, err) :
	    env != NULL   ? secret_read_env(env, &out, err) :
			    secret_read_command(command, &out, err);
	while (rc == 0 && out.len > 0 &&
	    (out.data[out.len - 1] == '\n' || out.data[out.len - 1] == '\r'))
		out.data[--out.len] = '\0';
	if (rc == 0 && out.len == 0)
		rc = error_set(err, DROVER_CONFIG, "%s: the secret is empty", from);
	else if (rc == 0 && strlen(out.data) != out.len)
		rc = error_set(err, DROVER_CONFIG, "%s: the secret contains a NUL byte", from);
	if (rc == -1) {
		secret_wipe(&out);
		return NULL;
	}
	secrets_add(out.data);
	return buf_take(&out);
}

bool
secret_is_name(const char *variable)
{
	static const char *const parts[] = { "KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL" };

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (strcasestr(variable, parts[i]) != NULL)
			return true;
	return false;
}
