/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes workers back after a restart of the core, and gives up those that do
 * not come back. At the start slots_restore() gives each job that the database
 * has running a slot in state SLOT_LOST, and reads from the key-value table
 * which process held it. A worker that outlived the core connects and says
 * which attempt it runs; when job, epoch and slot agree it is adopted.
 *
 * slot_watch() ends the wait: a worker that is dead, or does not come back in
 * time, is killed by its identity (pid, start time, boot), with all that is in
 * its leaf cgroup, and the processes that carry its job's trace are swept. The
 * job is queued again, or it fails if the worker died under this core.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/leaf.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "super/slots.h"
#include "super/sources.h"

#define WORKER_SILENT_MS 60000 /* a worker that says nothing for so long is fenced and killed */
#define TROUBLE_SAID_MS  1000

/* A worker's job that is not wanted. */
struct slot_refusal {
	struct supervisor *supervisor;
	uint64_t serial;             /* of the peer, which may be gone by then */
	uint64_t job;
};

/*
 * Writes down the worker's process, token and leaf cgroup, so that a new core
 * knows which one to wait for, and what to kill when it does not come.
 */
static void
slot_remember(struct supervisor *s, struct slot *slot)
{
	struct error err = { 0 };
	cJSON *o = cJSON_CreateObject();
	char *text, *leaf, key[32], start[24];

	if (!s->core->in_process && (leaf = leaf_of(slot->id.pid, slot->name)) != NULL) {
		free(slot->leaf);
		slot->leaf = leaf;
	}
	snprintf(start, sizeof start, "%llu", (unsigned long long)slot->id.start);
	json_add_int(o, "pid", slot->id.pid);
	json_add_str(o, "start", start);
	json_add_str(o, "boot", slot->id.boot);
	json_add_str(o, "token", slot->token);
	json_add_str(o, "leaf", slot->leaf != NULL ? slot->leaf : "");
	text = json_print(o);
	cJSON_Delete(o);
	snprintf(key, sizeof key, "worker/%s", slot->name);
	if (store_kv_set(s->core->store, "core", key, text, &err) != 0)
		slot_log(s, slot, DROVER_ERR, err.text);
	free(text);
}

/* Reads what slot_remember() wrote; the token is "" if that has none. */
static void
slot_recall(struct supervisor *s, struct slot *slot)
{
	struct proc_id *id = &slot->id;
	struct error err = { 0 };
	char key[32], *text = NULL;
	cJSON *o;

	memset(id, 0, sizeof *id);
	slot->token[0] = '\0';
	snprintf(key, sizeof key, "worker/%s", slot->name);
	if (store_kv_get(s->core->store, "core", key, &text, &err) != 1)
		return;
	o = json_parse(text, strlen(text), 4096, &err);
	free(text);
	if (o == NULL)
		return;
	id->pid = (int32_t)json_int(o, "pid", 0);
	id->start = (uint64_t)json_int(o, "start", 0);
	text_copy(id->boot, sizeof id->boot, json_str(o, "boot", ""));
	text_copy(slot->token, sizeof slot->token, json_str(o, "token", ""));
	free(slot->leaf);
	slot->leaf = xstrdup(json_str(o, "leaf", ""));
	cJSON_Delete(o);
}

/*
 * Finds a worker's slot. If the worker is of a core that had more slots, its
 * slot is made again.
 */
static struct slot *
slot_revive(struct supervisor *s, const char *name)
{
	int64_t n;

	if (name[0] == 'w' && units_parse_int(name + 1, 1, 10000, &n) == 0)
		slots_grow(s, (int)n);
	return slot_find(s, name);
}

void
slots_welcome(struct peer *p, uint64_t job, bool keep)
{
	struct message_out out;

	message_begin(&out, MESSAGE_WORKER_WELCOME, 0);
	message_put_u(&out, job);
	message_put_u(&out, keep);
	channel_send(p->channel, &out);
}

/*
 * Takes back a worker that lost its core or its connection, when its attempt is
 * still the running one.
 */
static bool
slot_adopt(struct supervisor *s, struct slot *slot, struct peer *p, struct message *m,
    const struct proc_id *id)
{
	struct job *job =
	    queue_running(s->core->queue, message_u(m, "job"), message_u(m, "epoch"));

	if (job == NULL || strcmp(job->worker, slot->name) != 0 ||
	    (slot->token[0] != '\0' && strcmp(slot->token, message_s(m, "token")) != 0))
		return false;
	if (slot->peer != NULL && slot->peer != p)
		slot->peer->slot = NULL;
	free(slot->plugin);
	slot->plugin = xstrdup(message_s(m, "plugin"));
	slot->generation = message_u(m, "generation");
	text_copy(slot->token, sizeof slot->token, message_s(m, "token"));
	slot->id = *id;
	slot->peer = p;
	slot->job = job->id;
	slot->epoch = job->epoch;
	slot->state = SLOT_BUSY;
	slot->restored = false;
	slot->since = slot->heard = clock_mono();
	p->slot = slot;
	return true;
}

/*
 * The hello of an idle worker proves that what an earlier core had claimed for
 * it never began.
 */
static void
slot_unbegun(struct supervisor *s, struct slot *slot, const struct proc_id *id)
{
	struct error err = { 0 };

	if (slot->state != SLOT_LOST || !slot->restored || slot->id.pid != id->pid ||
	    slot->id.start != id->start)
		return;
	if (queue_interrupt(s->core->queue, slot->job, false,
		"drover ended before this attempt began", &err) != 0)
		slot_log(s, slot, DROVER_ERR, err.text);
	slot_clear(slot);
}

/* Tells a worker that its job is not wanted, once that is committed. */
static void
slot_refuse(void *arg, const struct error *failed)
{
	struct slot_refusal *refusal = arg;
	struct peer *p;

	TAILQ_FOREACH(p, &refusal->supervisor->peers, link)
		if (p->serial == refusal->serial)
			break;
	/*
	 * After a failed commit the job may be running again, so the worker is
	 * to say hello again.
	 */
	if (p != NULL && failed != NULL)
		peer_free(p);
	else if (p != NULL)
		slots_welcome(p, refusal->job, false);
	free(refusal);
}

static void
slot_refuse_later(struct peer *p, uint64_t job)
{
	struct slot_refusal *refusal = xcalloc(1, sizeof *refusal);

	*refusal = (struct slot_refusal){ p->supervisor, p->serial, job };
	core_defer(p->supervisor->core, slot_refuse, refusal);
}

void
slots_hello(struct peer *p, struct message *m)
{
	struct supervisor *s = p->supervisor;
	struct slot *slot = slot_find(s, message_s(m, "worker"));
	struct proc_id id = { .pid = (int32_t)message_u(m, "pid"), .start = message_u(m, "start") };
	uint64_t job = message_u(m, "job");
	const struct job *running;
	struct runner_handle *r;

	text_copy(id.boot, sizeof id.boot, message_s(m, "boot"));
	p->message = slots_message;
	p->closed = slots_peer_closed;
	if (job != 0) {
		running = queue_running(s->core->queue, job, message_u(m, "epoch"));
		if (slot == NULL && running != NULL &&
		    strcmp(running->worker, message_s(m, "worker")) == 0)
			slot = slot_revive(s, message_s(m, "worker"));
		if (slot != NULL && slot_adopt(s, slot, p, m, &id)) {
			slot_remember(s, slot);
			slots_welcome(p, job, true);
			slot_log(s, slot, DROVER_NOTICE, "worker is back with its job");
		} else
			slot_refuse_later(p, job);
		return;
	}
	if (slot != NULL && slot->state == SLOT_FORKING &&
	    (r = fleet_find(s, slot->plugin)) != NULL)
		r->fork_backoff_ms = 0;
	if (slot != NULL)
		slot_unbegun(s, slot, &id);
	if (slot == NULL || slot->state != SLOT_FORKING ||
	    strcmp(slot->token, message_s(m, "token")) != 0) {
		struct message_out out;

		message_begin(&out, MESSAGE_WORKER_LEAVE, 0);
		channel_send(p->channel, &out);
		return;
	}
	slot->id = id;
	slot->peer = p;
	p->slot = slot;
	slot->state = SLOT_IDLE;
	slot->since = slot->heard = clock_mono();
	slot_remember(s, slot);
	slots_welcome(p, 0, true);
	if (slot->job != 0)
		slot_assign(s, slot);
}

/*
 * Kills every process that carries the attempt's trace in its environment,
 * whatever its process group is.
 */
static void
slot_sweep(const char *trace)
{
	char marker[64];

	snprintf(marker, sizeof marker, "TRACEPARENT=00-%s-", trace);
	proc_sweep_marked(marker);
}

static void
slot_job_lost(struct supervisor *s, const char *worker, uint64_t id, uint64_t epoch,
    const struct proc_id *proc, bool failed, const char *why)
{
	struct core *core = s->core;
	struct job *job = queue_running(core->queue, id, epoch);
	struct job_outcome outcome = { 0 };
	struct log_scope scope = s->log;
	struct error err = { 0 };
	char *source;

	if (job == NULL)
		return;
	error_set(&outcome.error, DROVER_INTERNAL, "%s", why);
	scope.worker = worker;
	scope.job = id;
	/*
	 * While the store refuses commits, this is tried again each second. So
	 * it is logged once.
	 */
	log_printf(&scope,
	    !failed && clock_mono() < s->trouble_until + TROUBLE_SAID_MS ? DROVER_DEBUG :
									    DROVER_WARN,
	    "%s", why);
	if (proc != NULL && proc->pid > 0 && !core->in_process)
		proc_kill(proc);
	slot_sweep(job->trace);
	source = xstrdup(job->source);
	if ((failed ? queue_finish(core->queue, id, epoch, &outcome, &err) :
	    queue_interrupt(core->queue, id, true, why, &err)) != 0)
		log_printf(&scope, DROVER_ERR, "%s", err.text);
	if (leases_end(core->leases, id, epoch, &err) != 0)
		log_printf(&scope, DROVER_ERR, "%s", err.text);
	if (source != NULL && *source != '\0')
		sources_job_ended(s, source);
	free(source);
}

/*
 * A worker that is a thread lives as long as the daemon; one that was never
 * seen cannot come back.
 */
static bool
slot_is_dead(const struct supervisor *s, const struct slot *slot)
{
	if (slot->state != SLOT_LOST)
		return false;
	if (slot->restored)
		return slot->id.pid == 0 || !proc_alive(&slot->id);
	return slot->id.pid > 0 && !s->core->in_process && !proc_alive(&slot->id);
}

/*
 * A dead worker is given up at once; a live one has LEASE_TTL_MS to connect
 * again, or WORKER_SILENT_MS to send its next beat.
 */
int64_t
slot_watch(struct supervisor *s, struct slot *slot, int64_t now)
{
	int64_t limit =
	    slot->state == SLOT_LOST ? slot->since + LEASE_TTL_MS : slot->heard + WORKER_SILENT_MS;
	bool dead = slot_is_dead(s, slot);

	if (!dead && now < limit)
		return slot->state == SLOT_LOST ? wait_min(limit - now, 250) : limit - now;
	leaf_kill(slot->leaf);
	slot_job_lost(s, slot->name, slot->job != 0 ? slot->job : slot->next,
	    slot->job != 0 ? slot->epoch : slot->next_epoch, &slot->id, !slot->restored,
	    slot->restored ? "drover ended while this ran, or could not write, and its worker "
			     "did not come back" :
		dead ? "the worker died in the middle of the job (killed, or out of memory?)" :
		       "the worker was silent for too long, so it was fenced and killed");
	slot_clear(slot);
	return 0;
}

/*
 * Gives a job that an earlier core left running its slot, as if its worker had
 * just lost the connection.
 */
static int
slot_restore(void *arg, struct job *job)
{
	struct supervisor *s = arg;
	struct slot *slot;

	if (slot_of_job(s, job->id, job->epoch) != NULL)
		return 0;
	slot = slot_revive(s, job->worker);
	if (slot == NULL || slot->state != SLOT_FREE) {
		slot_job_lost(s, job->worker, job->id, job->epoch, NULL, false,
		    "drover ended while this ran, or could not write, and another job "
		    "has its slot");
		return 0;
	}
	slot->plugin = xstrndup(job->kind, strcspn(job->kind, "."));
	slot->state = SLOT_LOST;
	slot->restored = true;
	slot->job = job->id;
	slot->epoch = job->epoch;
	slot->since = clock_mono();
	slot_recall(s, slot);
	return 0;
}

void
slots_restore(struct supervisor *s)
{
	queue_each_running(s->core->queue, slot_restore, s);
}
