/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signs by ssh-keygen or gpg. These get an environment of their own, no
 * terminal and no agent of the user, so nothing asks for a passphrase. gpg
 * knows keys only in a home folder: each signature has one, made for it and
 * removed after.
 */
#include "config/sign.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/spawn.h"
#include "base/text.h"
#include "config/inside.h"
#include "config/options.h"

#define SIGN_MS       30000
#define SIGN_MAX      65536
#define SIGN_SAID_MAX 300

/* What a key is, by how its file begins. */
enum sign_kind { SIGN_SSH, SIGN_OPENPGP };

static int sign_kind(const char *key, enum sign_kind *, struct error *);
static int sign_run(const char *const *argv, int in, struct buf *out, struct error *);
static int sign_by_gpg(const char *key, int text, struct buf *out, struct error *);

static int
sign_kind(const char *key, enum sign_kind *kind, struct error *err)
{
	char *text = secret_read(key, NULL, NULL, err);
	int rc = 0;

	if (text == NULL)
		return -1;
	if (strncmp(text, "-----BEGIN PGP PRIVATE KEY BLOCK-----", 37) == 0)
		*kind = SIGN_OPENPGP;
	else if (strncmp(text, "-----BEGIN ", 11) == 0 && strstr(text, " PRIVATE KEY-----") != NULL)
		*kind = SIGN_SSH;
	else
		rc = error_set(err, DROVER_CONFIG,
		    "%s is no private key: make one by ssh-keygen -N \"\" -f FILE, or export one "
		    "by gpg --armor --export-secret-keys",
		    key);
	free_wiped(text);
	return rc;
}

/* Runs a program on the whole of the file in, which may be SPAWN_NULL. */
static int
sign_run(const char *const *argv, int in, struct buf *out, struct error *err)
{
	const char *path = getenv("PATH");
	char *search = xasprintf("PATH=%s", path != NULL ? path : "/usr/bin:/bin");
	char *env[] = { search, (char *)(uintptr_t) "LC_ALL=C",
		(char *)(uintptr_t) "HOME=/nonexistent", NULL };
	struct spawn child = { .argv = argv, .env = env, .cwd = "/", .session = true };
	char said[SIGN_SAID_MAX] = "", shown[SIGN_SAID_MAX];
	int status = 0, errors = memfd_create("errors", MFD_CLOEXEC), rc = -1;
	ssize_t n;

	child.fd[STDIN_FILENO] = in;
	child.fd[STDERR_FILENO] = errors > 0 ? errors : SPAWN_NULL;
	if (in > 0 && lseek(in, 0, SEEK_SET) != 0)
		error_errno(err, DROVER_INTERNAL, "cannot sign");
	else if (spawn_capture(&child, SIGN_MS, SIGN_MAX, out, &status) != 0)
		error_errno(err, errno == ENOENT ? DROVER_CONFIG : DROVER_AGAIN,
		    "cannot run %s to sign a commit", argv[0]);
	else if (status != 0) {
		n = errors > 0 ? pread(errors, said, sizeof said - 1, 0) : 0;
		said[n > 0 ? n : 0] = '\0';
		error_set(err, DROVER_CONFIG,
		    "%s did not sign, wait status %d: %s; the key must have no passphrase", argv[0],
		    status, text_show_in(shown, sizeof shown, said, strlen(said)));
	} else
		rc = 0;
	path_close(&errors);
	free(search);
	return rc;
}

/*
 * The folder lies in /tmp, since the sockets that gpg makes in it have short
 * paths at most.
 */
static int
sign_by_gpg(const char *key, int text, struct buf *out, struct error *err)
{
	char home[] = "/tmp/drover-gpg-XXXXXX";
	const char *const import[] = { "gpg", "--homedir", home, "--batch", "--no-tty", "--quiet",
		"--pinentry-mode", "error", "--import", "--", key, NULL };
	const char *const sign[] = { "gpg", "--homedir", home, "--batch", "--no-tty", "--quiet",
		"--pinentry-mode", "error", "--armor", "--detach-sign", NULL };
	const char *const end[] = { "gpgconf", "--homedir", home, "--kill", "all", NULL };
	struct buf dropped = BUF_INIT;
	int rc = -1;

	if (mkdtemp(home) == NULL)
		return error_errno(err, DROVER_AGAIN, "cannot make a folder for gpg in /tmp");
	if (sign_run(import, SPAWN_NULL, &dropped, err) == 0)
		rc = sign_run(sign, text, out, err);
	(void)sign_run(end, SPAWN_NULL, &dropped, NULL);
	(void)path_remove_tree(home, NULL);
	buf_free(&dropped);
	return rc;
}

int
sign_text(const char *key, const char *text, size_t len, struct buf *out, struct error *err)
{
	const char *const by_ssh[] = { "ssh-keygen", "-Y", "sign", "-n", "git", "-f", key, NULL };
	enum sign_kind kind;
	int fd, rc = -1;

	if (sign_kind(key, &kind, err) != 0)
		return -1;
	fd = memfd_create("text", MFD_CLOEXEC);
	if (fd < 0 || path_write_all(fd, text, len) != 0)
		error_errno(err, DROVER_AGAIN, "cannot sign");
	else if (kind == SIGN_OPENPGP)
		rc = sign_by_gpg(key, fd, out, err);
	else
		rc = sign_run(by_ssh, fd, out, err);
	path_close(&fd);
	if (rc == 0 && (out->len == 0 || strncmp(out->data, "-----BEGIN ", 11) != 0))
		rc = error_set(err, DROVER_CONFIG, "%s gave no signature", key);
	while (rc == 0 && out->len > 0 && out->data[out->len - 1] == '\n')
		out->data[--out->len] = '\0';
	return rc;
}

int
sign_check(const struct config *c, bool trial, struct error *err)
{
	struct buf signature = BUF_INIT;
	struct error why = { 0 };
	enum sign_kind kind;
	const char *key;
	char *path;
	int rc = 0;

	for (int i = -1; rc == 0 && i < c->repos_len; i++) {
		key = i == -1 ? c->sign_key_file : c->repos[i].sign_key_file;
		if (key == NULL ||
		    (trial ? sign_text(key, "drover", 6, &signature, &why) :
			     sign_kind(key, &kind, &why)) == 0)
			continue;
		path = i == -1 ? xstrdup("") : xasprintf("repos.%s", c->repos[i].name);
		rc = config_fault(c, err, path, "sign_key_file", "%s", why.text);
		free(path);
	}
	buf_free(&signature);
	return rc;
}
