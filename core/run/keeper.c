/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper does with worktrees what the core asks for, one request after the
 * other, at the lowest priority for CPU and disk. A second keeper process
 * checks whether tokens can be read. A keeper has no state: everything that it
 * needs stands in the message. It ends when the core closes its socket.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "config/options.h"
#include "run/keeper.h"
#include "lease/files.h"
#include "wire/known.h"
#include "wire/message.h"

#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_IDLE (3 << 13)
#define KEPT_REFS "refs/drover/job/"

struct chore {
	const char *path;
	struct tree tree;
	char wip[256];
	const char *state;
	int64_t bytes;
};

static int chore_clean(struct chore *, struct error *);
static int chore_remove(struct chore *, struct error *);
static int chore_measure(struct chore *, struct error *);
static int chore_sweep(struct chore *, struct error *);
static void keeper_forget_jobs(const struct tree *, const char *state_dir);
static int keeper_tidy(int fd, const struct message *, struct error *);
static int keeper_token(int fd, const struct message *, struct error *);

static const struct {
	const char *name;
	bool tree;      /* true if it works on one tree */
	int (*run)(struct chore *, struct error *);
} actions[] = {
	{ "clean", true, chore_clean },
	{ "remove", true, chore_remove },
	{ "measure", true, chore_measure },
	{ "sweep", false, chore_sweep },
};

int
keeper_main(int fd)
{
	struct message m;
	struct error err = { .code = 0 };
	int rc;

	(void)signal(SIGPIPE, SIG_IGN);
	setpriority(PRIO_PROCESS, 0, 19);
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE);
	while ((rc = message_recv(fd, &m, &err)) == 1) {
		rc = m.type == MESSAGE_TREE_TIDY  ? keeper_tidy(fd, &m, &err) :
		    m.type == MESSAGE_TOKEN_CHECK ? keeper_token(fd, &m, &err) :
						    0;
		if (m.type == MESSAGE_SECRETS)
			known_take(&m);
		message_free(&m);
		if (rc != 0)
			return EXIT_FAILURE;
	}
	return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int
keeper_tidy(int fd, const struct message *m, struct error *err)
{
	struct config_repo repo = { .name = (char *)(uintptr_t)message_s(m, "repo") };
	struct chore chore = { .path = message_s(m, "path"), .state = "dirty" };
	const char *mirror = message_s(m, "mirror");
	struct error why = { .code = 0 };
	struct message_out out;
	char *state_dir = xstrdup(mirror), *cut;
	size_t i = 0;
	int rc;

	/* The mirror is STATE/mirrors/REPO.git. */
	for (int up = 0; up < 2 && (cut = strrchr(state_dir, '/')) != NULL; up++)
		*cut = '\0';
	while (i < ARRAY_LEN(actions) && strcmp(actions[i].name, message_s(m, "action")) != 0)
		i++;
	if (i == ARRAY_LEN(actions))
		rc = error_set(&why, DROVER_INTERNAL, "the keeper has no action \"%.32s\"",
		    message_s(m, "action"));
	else if (chore.path[0] != '/' || (actions[i].tree && state_dir[0] != '/'))
		rc = error_set(&why, DROVER_INTERNAL,
		    "the keeper was given the path \"%s\", which is not absolute", chore.path);
	else if (actions[i].tree) {
		rc = tree_init(&chore.tree, message_u(m, "lease"), &repo, chore.path, mirror,
		    state_dir, &why);
		if (rc == 0)
			rc = actions[i].run(&chore, &why);
		tree_free(&chore.tree);
	} else
		rc = actions[i].run(&chore, &why);
	message_begin(&out, MESSAGE_TREE_TIDIED, m->id);
	message_put_u(&out, message_u(m, "lease"));
	message_put_i(&out, rc == 0 ? DROVER_OK : why.code);
	message_put_s(&out, why.text);
	message_put_s(&out, chore.wip);
	message_put_s(&out, rc == 0 ? chore.state : "dirty");
	message_put_i(&out, chore.bytes);
	free(state_dir);
	return message_send(fd, &out, err);
}

/*
 * Checks whether a repo's token can be read. The token itself never leaves this
 * process.
 */
static int
keeper_token(int fd, const struct message *m, struct error *err)
{
	const char *file = message_s(m, "file"), *variable = message_s(m, "env"), *words;
	struct error why = { .code = 0 };
	struct message_out out;
	char **argv = NULL, *token;
	size_t len, n = 0;

	words = message_b(m, "command", &len);
	argv = xcalloc(len + 1, sizeof *argv);
	for (size_t at = 0; at < len; at += strlen(words + at) + 1)
		argv[n++] = (char *)(uintptr_t)(words + at);
	token = secret_read(*file != '\0' ? file : NULL, *variable != '\0' ? variable : NULL,
	    n > 0 ? argv : NULL, &why);
	free(argv);
	message_begin(&out, MESSAGE_TOKEN_CHECKED, m->id);
	message_put_s(&out, message_s(m, "repo"));
	message_put_i(&out, token != NULL ? DROVER_OK : why.code);
	message_put_s(&out, token != NULL ? "can be read" : why.text);
	free_wiped(token);
	return message_send(fd, &out, err);
}

static int
chore_clean(struct chore *c, struct error *err)
{
	/* The lease's owner died before the tree was made. */
	if (access(c->path, F_OK) != 0)
		return chore_remove(c, err);
	if (tree_return(&c->tree, c->wip, sizeof c->wip, err) != 0)
		return -1;
	c->state = "warm";
	c->bytes = tree_size(&c->tree);
	return 0;
}

static int
chore_remove(struct chore *c, struct error *err)
{
	if (tree_remove(&c->tree, c->wip, sizeof c->wip, err) != 0)
		return -1;
	c->state = "gone";
	return 0;
}

static int
chore_measure(struct chore *c, struct error *err)
{
	c->bytes = tree_size(&c->tree);
	if (c->bytes < 0)
		return error_set(err, DROVER_INTERNAL, "the tree %s does not exist", c->path);
	c->state = "warm";
	return 0;
}

/*
 * Removes the refs that keep commits for jobs that no longer exist. A job's
 * output folder is made before its first commit is kept and goes to the trash
 * with the job, so a ref without a folder is stale.
 */
static void
keeper_forget_jobs(const struct tree *t, const char *state_dir)
{
	git_reference_iterator *all = NULL;
	git_repository *repo = NULL;
	struct buf gone = BUF_INIT;
	const char *name;
	char *folder;

	if (mirror_open(t, &repo, NULL) != 0)
		return;
	if (git2.reference_iterator_glob_new(&all, repo, KEPT_REFS "*") == 0) {
		while (git2.reference_next_name(&name, all) == 0) {
			folder = xasprintf("%s/jobs/%s", state_dir, name + strlen(KEPT_REFS));
			if (access(folder, F_OK) != 0 && errno == ENOENT)
				buf_add(&gone, name, strlen(name) + 1);
			free(folder);
		}
		git2.reference_iterator_free(all);
	}
	git2.repository_free(repo);
	for (size_t at = 0; at < gone.len; at += strlen(gone.data + at) + 1)
		(void)mirror_ref_set(t, gone.data + at, NULL, NULL);
	buf_free(&gone);
}

/*
 * Empties the trash and tidies the mirrors, which is done here because a sweep
 * comes when no job waits for them.
 */
static int
chore_sweep(struct chore *c, struct error *err)
{
	struct config_repo repo = { .name = (char *)(uintptr_t)"mirror" };
	char *mirrors = path_join(c->path, "mirrors"), *outputs = path_join(c->path, "jobs"),
	     *mirror;
	DIR *dir = opendir(mirrors);
	struct dirent *entry;
	struct tree tree;
	size_t len;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		len = strlen(entry->d_name);
		if (len <= 4 || strcmp(entry->d_name + len - 4, ".git") != 0)
			continue;
		mirror = path_join(mirrors, entry->d_name);
		if (tree_init(&tree, 0, &repo, mirror, mirror, c->path, err) == 0) {
			if (access(outputs, F_OK) == 0)
				keeper_forget_jobs(&tree, c->path);
			mirror_tend(&tree, err);
		}
		tree_free(&tree);
		free(mirror);
	}
	if (dir != NULL)
		closedir(dir);
	free(mirrors);
	free(outputs);
	c->bytes = tree_sweep(c->path, err);
	c->state = "gone";
	return c->bytes < 0 ? -1 : 0;
}
