/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends a request and waits for its answer. The core may be restarted in
 * between. Its requests are idempotent, so a request whose answer was lost is
 * sent again over a new connection. Once an attempt has been fenced, its link
 * refuses every request.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/secrets.h"
#include "wire/known.h"
#include "wire/link.h"

#define LINK_MAGIC 0x11a40001u
#define LINK_BACKOFF_MIN_MS 50
#define LINK_BACKOFF_MAX_MS 1000
#define LINK_TELL_MS 2000 /* how long telling what is secret may hold up a job */

struct link {
	uint32_t magic;
	int fd;                      /* -1 while not connected */
	/*
	 * fd belongs to the caller of link_over(), so the link cannot
	 * reconnect.
	 */
	bool lent;
	bool fenced;
	char *path, *token;
	uint64_t job, epoch, last_id;
	size_t told;                 /* how many of the known secrets the core was told */
	bool known;                  /* a core has heard of this process */
	int64_t patience_ms;
	void (*inbound)(void *, struct message *);
	void *arg;
};

static int link_connect(struct link *, int64_t give_up, struct error *);
static int link_reconnect(struct link *, int64_t give_up, int64_t *backoff, struct error *);
static int link_pause(int64_t give_up, int64_t *backoff);
static void link_disconnect(struct link *);
static int link_await(struct link *, uint64_t id, int64_t deadline_ms, struct message *,
    struct error *);
static int link_verdict(struct link *, const struct message *, struct error *);

struct link *
link_new(const char *path, uint64_t job, uint64_t epoch, const char *token, int64_t patience_ms)
{
	struct link *link;

	OBJ_NEW(link, LINK_MAGIC);
	link->fd = -1;
	link->path = xstrdup(path);
	link->token = xstrdup(token);
	link->job = job;
	link->epoch = epoch;
	/* The process is a fork of one that has told the core what it knows. */
	link->told = secrets_count();
	link->patience_ms = patience_ms;
	return link;
}

struct link *
link_over(int fd, void (*inbound)(void *arg, struct message *), void *arg)
{
	struct link *link;

	OBJ_NEW(link, LINK_MAGIC);
	link->fd = fd;
	link->lent = true;
	link->inbound = inbound;
	link->arg = arg;
	return link;
}

void
link_free(struct link *link)
{
	if (link == NULL)
		return;
	OBJ_CHECK(link, LINK_MAGIC);
	link_disconnect(link);
	free(link->path);
	free_wiped(link->token);
	OBJ_FREE(link);
}

void
link_forked(struct link *link)
{
	OBJ_CHECK(link, LINK_MAGIC);
	link_disconnect(link);
}

uint64_t
link_id(struct link *link)
{
	OBJ_CHECK(link, LINK_MAGIC);
	return ++link->last_id;
}

static void
link_disconnect(struct link *link)
{
	if (!link->lent && link->fd != -1)
		close(link->fd);
	link->fd = -1;
}

/*
 * Connects and waits for the answer to JOB_HELLO. Without that wait, a request
 * could be lost unanswered because the core does not know the attempt.
 */
static int
link_connect(struct link *link, int64_t give_up, struct error *err)
{
	struct message_out hello;
	struct message m;
	uint64_t id = link_id(link);
	int rc;

	if ((link->fd = message_connect(link->path, err)) == -1)
		return -1;
	message_begin(&hello, MESSAGE_JOB_HELLO, id);
	message_put_u(&hello, link->job);
	message_put_u(&hello, link->epoch);
	message_put_s(&hello, link->token);
	if (message_send(link->fd, &hello, err) == 0) {
		rc = link_await(link, id, give_up, &m, err);
		if (rc == 0)
			error_set(err, DROVER_AGAIN, "the core has gone away");
		if (rc == 1) {
			rc = link_verdict(link, &m, err);
			message_free(&m);
			/* A restarted core knows no more what it was told. */
			if (link->known)
				link->told = 0;
			link->known = true;
			if (rc == 0)
				return 0;
		}
	}
	link_disconnect(link);
	return -1;
}

/*
 * Waits for *backoff ms and doubles it. Returns -1 without a wait when give_up,
 * a monotonic time, has come. A signal, such as that of a cancelled job, ends
 * the wait early.
 */
static int
link_pause(int64_t give_up, int64_t *backoff)
{
	int64_t left = give_up - clock_mono();

	if (left <= 0)
		return -1;
	(void)poll(NULL, 0, (int)(left < *backoff ? left : *backoff));
	*backoff = *backoff * 2 > LINK_BACKOFF_MAX_MS ? LINK_BACKOFF_MAX_MS : *backoff * 2;
	return 0;
}

static int
link_reconnect(struct link *link, int64_t give_up, int64_t *backoff, struct error *err)
{
	while (link_connect(link, give_up, err) == -1) {
		if (err->code != DROVER_AGAIN || link_pause(give_up, backoff) == -1)
			return -1;
	}
	return 0;
}

/*
 * Returns 1 with the answer, 0 if the connection is gone, and -1 with an error
 * if no answer came in time.
 */
static int
link_await(struct link *link, uint64_t id, int64_t deadline_ms, struct message *m,
    struct error *err)
{
	struct pollfd p = { .fd = link->fd, .events = POLLIN };
	int64_t left;
	int n;

	for (;;) {
		left = deadline_ms == 0 ? -1 : deadline_ms - clock_mono();
		if (deadline_ms != 0 && left < 0)
			left = 0;
		n = poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left);
		if (n == -1 && errno != EINTR)
			return error_errno(err, DROVER_INTERNAL, "cannot wait for the core");
		if (n == 0 && deadline_ms != 0 && clock_mono() >= deadline_ms)
			return error_set(err, DROVER_AGAIN, "the core did not answer in time");
		if (n <= 0)
			continue;
		if ((n = message_recv(link->fd, m, err)) <= 0)
			return n;
		if (m->type == MESSAGE_REPLY && m->id == id)
			return 1;
		if (m->type == MESSAGE_SECRETS)
			known_take(m);
		else if (m->type != MESSAGE_REPLY && link->inbound != NULL)
			link->inbound(link->arg, m);
		message_free(m);
	}
}

int
link_fd(const struct link *link)
{
	return link != NULL && !link->lent ? link->fd : -1;
}

void
link_hear(struct link *link)
{
	struct pollfd p = { .fd = link_fd(link), .events = POLLIN };
	struct message m;

	while (p.fd != -1 && poll(&p, 1, 0) > 0) {
		if (message_recv(p.fd, &m, NULL) != 1) {
			link_disconnect(link);
			return;
		}
		if (m.type == MESSAGE_SECRETS)
			known_take(&m);
		message_free(&m);
	}
}

int
link_tell_secrets(struct link *link, struct error *err)
{
	int64_t backoff = LINK_BACKOFF_MIN_MS;

	OBJ_CHECK(link, LINK_MAGIC);
	if (link->told >= secrets_count() || link->fenced || (link->fd == -1 && link->lent))
		return 0;
	if (link->fd == -1 &&
	    link_reconnect(link, clock_mono() + LINK_TELL_MS, &backoff, err) == -1)
		return -1;
	return known_send(link->fd, &link->told, err);
}

static int
link_verdict(struct link *link, const struct message *m, struct error *err)
{
	struct error verdict;

	message_error(m, &verdict);
	if (verdict.code == DROVER_OK)
		return 0;
	if (err != NULL)
		*err = verdict;
	link->fenced = link->fenced || verdict.code == DROVER_FENCED;
	return -1;
}

int
link_ask(struct link *link, struct message_out *request, int64_t deadline_ms, struct message *reply,
    struct error *err)
{
	int64_t give_up = 0, asked, backoff = LINK_BACKOFF_MIN_MS;
	struct error why = { 0 };
	struct message m;
	uint64_t id;
	int rc = -1;

	OBJ_CHECK(link, LINK_MAGIC);
	id = message_out_id(request);
	for (;;) {
		if (link->fenced) {
			error_set(&why, DROVER_FENCED,
			    "a newer attempt of this job has taken over");
			break;
		}
		if (link->fd == -1 && link->lent) {
			error_set(&why, DROVER_AGAIN, "the core has gone away");
			break;
		}
		asked = clock_mono();
		if (give_up == 0)
			give_up = asked + link->patience_ms;
		if (deadline_ms != 0 && deadline_ms < give_up)
			give_up = deadline_ms;
		if (link->fd == -1 && link_reconnect(link, give_up, &backoff, &why) == -1)
			break;
		if (known_send(link->fd, &link->told, &why) == 0 &&
		    message_write(link->fd, request, &why) == 0) {
			rc = link_await(link, id, deadline_ms, &m, &why);
			if (rc == -1)
				break;
			if (rc == 1) {
				rc = link_verdict(link, &m, &why);
				if (rc == 0 && reply != NULL)
					*reply = m;
				else
					message_free(&m);
				break;
			}
		} else if (why.code != DROVER_AGAIN) {
			break;
		}
		rc = -1;
		link_disconnect(link);
		error_set(&why, DROVER_AGAIN, "the core has gone away");
		if (link->lent)
			break;
		if (clock_mono() - asked > LINK_BACKOFF_MAX_MS) {
			give_up = 0;
			backoff = LINK_BACKOFF_MIN_MS;
		} else if (link_pause(give_up, &backoff) == -1) {
			break;
		}
	}
	message_out_free(request);
	if (rc == -1 && err != NULL)
		*err = why;
	return rc;
}
