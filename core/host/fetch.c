/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host->lease->fetch: fetches several mirrors at once, a few at a time, each in
 * a child of the job's process. Two jobs that want the same mirror share one
 * fetch, as with leases. A lease that is taken soon after does not fetch again.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/secrets.h"
#include "host/service.h"

#define FETCHES_MAX 4         /* children at a time */
#define REPOS_MAX 256
#define FRESH_MS 60000
#define CANCEL_POLL_MS 200

struct scope_fetch {
	struct scope_fetch *next;
	const struct config_repo *repo;
	int64_t at;               /* when the fetch ended; monotonic */
};

struct fetching {
	const struct config_repo *repo;
	pid_t pid;                /* 0 when it is not running */
	int fd;                   /* the child writes its struct error to this pipe */
	struct error error;       /* code 0 when the fetch succeeded */
};

static int fetch_one(struct scope *, const struct config_repo *, struct error *);
static int fetch_start(struct scope *, struct fetching *, struct error *);
static void fetch_end(struct fetching *);
static int fetch_all(struct scope *, struct fetching *, size_t n, struct error *);
static void fetch_note(struct scope *, const struct config_repo *);

/* The core derives the mirror's path in the same way (core/lease/lease.c). */
static int
fetch_one(struct scope *s, const struct config_repo *repo, struct error *err)
{
	char *mirror = xasprintf("%s/mirrors/%s.git", s->config->state_dir, repo->name),
	     *none = path_join(s->config->state_dir, "none");
	struct tree tree;
	int r;

	r = tree_init(&tree, 0, repo, none, mirror, s->config->state_dir, err);
	if (r == 0) {
		tree.credentials = credentials_of(s);
		r = tree_fetch(&tree, err);
	}
	tree_free(&tree);
	free(none);
	free(mirror);
	return r;
}

static int
fetch_start(struct scope *s, struct fetching *f, struct error *err)
{
	struct error why = { .code = 0 };
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) != 0)
		return error_errno(err, DROVER_AGAIN, "cannot make a pipe to fetch repo %s",
		    f->repo->name);
	if ((f->pid = fork()) == -1) {
		f->pid = 0;
		error_errno(err, DROVER_AGAIN, "cannot fork to fetch repo %s", f->repo->name);
		close(fds[0]);
		close(fds[1]);
		return -1;
	}
	if (f->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (s->link != NULL)
			link_forked(s->link);
		if (fetch_one(s, f->repo, &why) != 0 && why.code == 0)
			why.code = DROVER_INTERNAL;
		/*
		 * The token is known only to this process, so the text is
		 * masked here.
		 */
		(void)secrets_hide_text(why.text, sizeof why.text);
		_exit(path_write_all(fds[1], &why, sizeof why) == 0 ? 0 : 1);
	}
	close(fds[1]);
	f->fd = fds[0];
	return 0;
}

/*
 * Reads the error that the child sends as its last act, and reaps the child. A
 * child that died has sent none.
 */
static void
fetch_end(struct fetching *f)
{
	char *at = (char *)&f->error;
	size_t have = 0;
	ssize_t n;

	while (have < sizeof f->error &&
	    ((n = read(f->fd, at + have, sizeof f->error - have)) > 0 || (n < 0 && errno == EINTR)))
		have += n > 0 ? (size_t)n : 0;
	if (have < sizeof f->error)
		error_set(&f->error, DROVER_INTERNAL,
		    "the process that fetched repo %s ended early", f->repo->name);
	f->error.text[sizeof f->error.text - 1] = '\0';
	close(f->fd);
	proc_reap(f->pid, NULL);
	f->pid = 0;
}

static int
fetch_all(struct scope *s, struct fetching *list, size_t n, struct error *err)
{
	struct pollfd fds[FETCHES_MAX];
	struct fetching *of[FETCHES_MAX];
	size_t next = 0;
	nfds_t running = 0;
	int result = 0;

	while (result == 0 && (next < n || running > 0)) {
		if (scope_cancelled(s))
			result = error_set(err, DROVER_CANCELLED,
			    "fetching was stopped: the job is cancelled");
		else if (s->deadline_ms > 0 && clock_mono() >= s->deadline_ms)
			result = error_set(err, DROVER_AGAIN,
			    "the attempt's time is over while %zu repos are fetched", n);
		while (result == 0 && running < FETCHES_MAX && next < n) {
			of[running] = &list[next++];
			if ((result = fetch_start(s, of[running], err)) == 0) {
				fds[running] =
				    (struct pollfd){ .fd = of[running]->fd, .events = POLLIN };
				running++;
			}
		}
		if (result != 0 || poll(fds, running, CANCEL_POLL_MS) <= 0)
			continue;
		for (nfds_t i = running; i-- > 0;) {
			if (fds[i].revents == 0)
				continue;
			fetch_end(of[i]);
			running--;
			of[i] = of[running];
			fds[i] = fds[running];
		}
	}
	for (nfds_t i = 0; i < running; i++) {
		(void)kill(of[i]->pid, SIGKILL);
		fetch_end(of[i]);
	}
	return result;
}

static void
fetch_forget(struct scope *s)
{
	struct scope_fetch *note;

	while ((note = s->fetches) != NULL) {
		s->fetches = note->next;
		free(note);
	}
}

static void
fetch_note(struct scope *s, const struct config_repo *repo)
{
	struct scope_fetch *note;

	for (note = s->fetches; note != NULL && note->repo != repo; note = note->next)
		;
	if (note == NULL) {
		note = xcalloc(1, sizeof *note);
		note->repo = repo;
		note->next = s->fetches;
		scope_on_end(s, fetch_forget);
		s->fetches = note;
	}
	note->at = clock_mono();
}

bool
fetch_fresh(const struct scope *s, const struct config_repo *repo)
{
	const struct scope_fetch *note;

	for (note = s->fetches; note != NULL; note = note->next)
		if (note->repo == repo)
			return clock_mono() - note->at < FRESH_MS;
	return false;
}

int
fetch_repos(struct scope *s, const char *const *names, size_t n, struct error *err)
{
	struct fetching *list;
	const struct config_repo *repo;
	size_t len = 0, at;
	int r = 0;

	if (n > REPOS_MAX || (names == NULL && n > 0))
		return error_set(err, DROVER_PERMANENT, "lease.fetch takes at most %d repos",
		    REPOS_MAX);
	list = xcalloc(n + 1, sizeof *list);
	for (size_t i = 0; i < n; i++) {
		if ((repo = scope_repo(s, names[i], err)) == NULL) {
			r = -1;
			goto out;
		}
		for (at = 0; at < len && list[at].repo != repo; at++)
			;
		if (at == len)
			list[len++] = (struct fetching){ .repo = repo, .fd = -1 };
	}
	/*
	 * With --in-process this is a thread, which must not fork. A single
	 * repo needs no child.
	 */
	if (len == 1 || gettid() != getpid()) {
		for (size_t i = 0; i < len; i++)
			if (fetch_one(s, list[i].repo, &list[i].error) != 0 &&
			    list[i].error.code == 0)
				list[i].error.code = DROVER_INTERNAL;
	} else if ((r = fetch_all(s, list, len, err)) != 0)
		goto out;
	for (size_t i = 0; i < len; i++) {
		if (list[i].error.code == 0)
			fetch_note(s, list[i].repo);
		else if (r == 0) {
			r = -1;
			*err = list[i].error;
		}
	}
out:
	free(list);
	return r;
}
