/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The core's socket. A connection proves by its first message and a token that
 * it is a worker, a job or an operation; from then on adopt.c or services.c
 * handle its messages.
 */
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "super/calls.h"
#include "super/peers.h"
#include "super/services.h"
#include "super/slots.h"
#include "wire/known.h"

#define PEERS_MAX 512
#define HELLO_MS 10000 /* from the connection to the first message */

static void peer_message(void *, struct message *);
static void peer_closed(void *, const char *);
static void peers_accept(evutil_socket_t, short, void *);

static const struct channel_calls peer_calls = { peer_message, peer_closed };


int
peers_open(struct supervisor *s, struct error *err)
{
	s->listen_fd = message_listen(s->socket, err);
	if (s->listen_fd < 0)
		return -1;
	s->listening =
	    event_new(s->core->base, s->listen_fd, EV_READ | EV_PERSIST, peers_accept, s);
	MUST(s->listening != NULL && event_add(s->listening, NULL) == 0);
	return 0;
}

void
peers_close(struct supervisor *s)
{
	struct peer *p;

	while ((p = TAILQ_FIRST(&s->peers)) != NULL)
		peer_free(p);
	if (s->listening != NULL)
		event_free(s->listening);
	s->listening = NULL;
	if (s->listen_fd >= 0)
		close(s->listen_fd);
	s->listen_fd = -1;
}

/* Only processes of the daemon's own user may connect. */
static bool
peer_is_ours(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof cred;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
	    (cred.uid == geteuid() || cred.uid == 0);
}

static void
peers_accept(evutil_socket_t listen_fd, short what, void *arg)
{
	struct supervisor *s = arg;
	struct peer *p, *other;
	struct error err = { 0 };
	int fd, n = 0;

	fd = message_accept(listen_fd, &err);
	if (fd < 0) {
		if (err.code != DROVER_AGAIN)
			log_printf(&s->log, DROVER_ERR, "%s", err.text);
		return;
	}
	TAILQ_FOREACH(other, &s->peers, link)
		n++;
	if (n >= PEERS_MAX || !peer_is_ours(fd)) {
		log_printf(&s->log, DROVER_WARN, "a connection to %s was refused", s->socket);
		close(fd);
		return;
	}
	p = xcalloc(1, sizeof *p);
	p->supervisor = s;
	p->serial = ++s->last_id;
	p->since = clock_mono();
	p->channel = channel_new(s->core->base, fd, &peer_calls, p);
	TAILQ_INSERT_TAIL(&s->peers, p, link);
}

int64_t
peers_tick(struct supervisor *s, int64_t now)
{
	struct peer *p, *next;
	int64_t wait = -1;

	for (p = TAILQ_FIRST(&s->peers); p != NULL; p = next) {
		next = TAILQ_NEXT(p, link);
		if (p->message != NULL)
			continue;
		if (now - p->since < HELLO_MS) {
			wait = wait_min(wait, p->since + HELLO_MS - now);
			continue;
		}
		log_printf(&s->log, DROVER_WARN,
		    "a connection to %s was closed, because it said nothing valid for %d s",
		    s->socket, HELLO_MS / 1000);
		peer_free(p);
	}
	return wait;
}

static void
peer_closed(void *arg, const char *why)
{
	struct peer *p = arg;

	if (*why != '\0')
		log_printf(&p->supervisor->log, DROVER_WARN,
		    "the connection of a worker or job was cut: %s", why);
	peer_free(p);
}

static void
peer_hello(struct peer *p, struct message *m)
{
	struct supervisor *s = p->supervisor;
	uint64_t id = message_u(m, "job"), epoch = message_u(m, "epoch");
	struct error err = { 0 };
	struct slot *slot;
	struct job *job;

	if (id == 0) {
		if (calls_hello(p, epoch, message_s(m, "token")) != 0)
			error_set(&err, DROVER_FENCED,
			    "there is no such call, or it took too long");
		else {
			p->message = services_message;
			p->knows = true;
		}
	} else {
		job = queue_running(s->core->queue, id, epoch);
		if (job == NULL || strcmp(job->token, message_s(m, "token")) != 0)
			error_set(&err, DROVER_FENCED,
			    "attempt with epoch %llu of job %llu is not the running one",
			    (unsigned long long)epoch, (unsigned long long)id);
		else {
			p->message = services_message;
			p->job = id;
			p->epoch = epoch;
			/* The process is a fork of its worker. */
			slot = slot_of_job(s, id, epoch);
			p->knows = slot != NULL && slot->peer != NULL && slot->peer->knows;
			p->told = slot != NULL ? slot->told : 0;
			p->plugin = xstrndup(job->kind, strcspn(job->kind, "."));
		}
	}
	reply_later(s, p->serial, m->id, &err, 0, NULL, 0);
}

static void
peer_message(void *arg, struct message *m)
{
	struct peer *p = arg;

	if (p->message != NULL && m->type == MESSAGE_SECRETS) {
		p->knows = true;
		known_take(m);
	} else if (p->message != NULL) {
		if (!calls_hand_out(p, m))
			message_hide(m);
		p->message(p, m);
	}
	else if (m->type == MESSAGE_WORKER_HELLO)
		slots_hello(p, m);
	else if (m->type == MESSAGE_JOB_HELLO)
		peer_hello(p, m);
	else
		peer_free(p);
}
