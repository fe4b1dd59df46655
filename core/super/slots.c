/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots and the workers that hold them. Once a tick supervisor_dispatch()
 * claims jobs from the queue and gives each a slot: an idle worker of the job's
 * plugin, or a free slot for which the plugin's runner forks a worker.
 *
 * Nothing is sent to a worker before the commit: supervisor_flush() then sends
 * what was claimed (JOB_ASSIGN) and confirms what was finished
 * (JOB_OUTCOME_KEPT), or takes both back if the commit failed. Between two
 * calls a slot holds what its worker runs (job), what was claimed for it (next)
 * and what it has reported (outcome_job). A worker whose connection breaks
 * while it runs a job keeps its slot as SLOT_LOST, and adopt.c decides what
 * becomes of it.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "super/slots.h"
#include "super/sources.h"
#include "super/supervisor.h"
#include "wire/fields.h"

#define WORKER_FORK_MS   10000 /* from WORKER_FORK to WORKER_HELLO */
/*
 * An idle worker is told to leave after this time. It would leave by itself a
 * little later, so no job is sent to a worker that is leaving.
 */
#define WORKER_SPARE_MS  50000
#define STORE_TROUBLE_MS 1000

static void slot_free(struct slot *);
static void slot_fork_failed(struct supervisor *, struct slot *, const char *);
static void slot_forget_job(struct supervisor *, struct slot *, uint64_t, uint64_t);

void
slot_log(struct supervisor *s, const struct slot *slot, enum drover_level level, const char *text)
{
	struct log_scope scope = s->log;

	scope.worker = slot->name;
	scope.plugin = slot->plugin;
	scope.job = slot->job;
	log_printf(&scope, level, "%s", text);
}

struct slot *
slot_find(struct supervisor *s, const char *name)
{
	int i;

	for (i = 0; i < s->slots_len; i++)
		if (strcmp(s->slots[i]->name, name) == 0)
			return s->slots[i];
	return NULL;
}

bool
slots_have(const struct supervisor *s, pid_t pid, uint64_t start)
{
	for (int i = 0; i < s->slots_len; i++)
		if (s->slots[i]->id.pid == pid && s->slots[i]->id.start == start)
			return true;
	return false;
}

struct slot *
slot_of_job(struct supervisor *s, uint64_t job, uint64_t epoch)
{
	int i;

	for (i = 0; i < s->slots_len; i++)
		if (s->slots[i]->job == job && s->slots[i]->epoch == epoch)
			return s->slots[i];
	return NULL;
}

static void
slot_leave(struct slot *slot)
{
	struct message_out out;

	if (slot->peer == NULL)
		return;
	message_begin(&out, MESSAGE_WORKER_LEAVE, 0);
	channel_send(slot->peer->channel, &out);
}

const char *
slot_state_name(enum slot_state state)
{
	static const char *const names[] = { "free", "starting", "idle", "busy", "lost" };

	return names[state];
}

void
slots_grow(struct supervisor *s, int want)
{
	int n;

	if (want <= s->slots_len)
		return;
	s->slots = xreallocarray(s->slots, (size_t)want, sizeof *s->slots);
	for (n = s->slots_len; n < want; n++) {
		s->slots[n] = xcalloc(1, sizeof **s->slots);
		snprintf(s->slots[n]->name, sizeof s->slots[n]->name, "w%d", n + 1);
	}
	s->slots_len = want;
}

/*
 * Adds slots up to the configured number; those above it are removed once they
 * are free.
 */
void
slots_resize(struct supervisor *s)
{
	int want = s->core->config->running;

	slots_grow(s, want);
	while (s->slots_len > want && s->slots[s->slots_len - 1]->state == SLOT_FREE) {
		slot_free(s->slots[s->slots_len - 1]);
		s->slots_len--;
	}
}

static void
slot_free(struct slot *slot)
{
	free(slot->plugin);
	free(slot->leaf);
	free(slot);
}

void
slots_close(struct supervisor *s)
{
	for (int i = 0; i < s->slots_len; i++)
		slot_free(s->slots[i]);
	free(s->slots);
}

void
slots_dismiss(struct supervisor *s)
{
	for (int i = 0; i < s->slots_len; i++)
		if (s->slots[i]->state == SLOT_IDLE)
			slot_leave(s->slots[i]);
}

/* Frees the slot of a worker whose process is gone. */
void
slot_clear(struct slot *slot)
{
	if (slot->peer != NULL) {
		slot->peer->slot = NULL;
		slot->peer = NULL;
	}
	free(slot->plugin);
	free(slot->leaf);
	slot->plugin = slot->leaf = NULL;
	slot->state = SLOT_FREE;
	slot->token[0] = '\0';
	slot->job = slot->epoch = slot->next = slot->next_epoch = slot->outcome_job =
	    slot->outcome_epoch = 0;
	slot->cancelled = slot->interrupting = slot->restored = slot->freed = false;
	memset(&slot->id, 0, sizeof slot->id);
	slot->since = clock_mono();
}

static bool
slot_open(const struct slot *slot)
{
	return slot->next == 0 && (slot->state == SLOT_FREE || slot->state == SLOT_IDLE);
}

/*
 * Prefers an idle worker of the plugin, then a free slot, then an idle worker
 * of another plugin, which has to leave first.
 */
static struct slot *
slot_choose(struct supervisor *s, const struct runner_handle *r)
{
	struct slot *slot, *spare = NULL, *foreign = NULL;
	int i, most = s->core->config->running;
	bool unsettled = false;

	for (i = 0; i < s->slots_len && i < most; i++) {
		slot = s->slots[i];
		if (!slot_open(slot))
			continue;
		if (slot->state == SLOT_IDLE && strcmp(slot->plugin, r->plugin) == 0 &&
		    slot->generation == r->generation)
			return slot;
		if (slot->state == SLOT_FREE && spare == NULL)
			spare = slot;
		if (slot->state == SLOT_IDLE && foreign == NULL && slot->outcome_job == 0)
			foreign = slot;
		/*
		 * A worker whose outcome is not committed yet is not reclaimed:
		 * it runs on until it hears JOB_OUTCOME_KEPT.
		 */
		unsettled = unsettled || slot->outcome_job != 0;
	}
	if (spare == NULL && foreign == NULL && unsettled)
		s->dispatch_again = true;
	return spare != NULL ? spare : foreign;
}

static void
slot_fork(struct supervisor *s, struct slot *slot, struct runner_handle *r)
{
	struct message_out out;

	free(slot->plugin);
	slot->plugin = xstrdup(r->plugin);
	slot->generation = r->generation;
	slot->state = SLOT_FORKING;
	slot->since = clock_mono();
	text_random_hex(slot->token, 16);
	memset(&slot->id, 0, sizeof slot->id);
	message_begin(&out, MESSAGE_WORKER_FORK, 0);
	message_put_s(&out, slot->name);
	message_put_s(&out, slot->token);
	channel_send(r->channel, &out);
}

/*
 * Chooses the slot for a job that the queue is about to claim, and returns its
 * name. Returns NULL if the runner is not ready or cannot fork now, or if no
 * slot is open.
 */
static const char *
slot_place(void *arg, const char *kind)
{
	struct supervisor *s = arg;
	struct runner_handle *r;
	struct slot *slot;
	char plugin[DROVER_NAME_MAX + 1];

	snprintf(plugin, sizeof plugin, "%.*s", (int)strcspn(kind, "."), kind);
	r = fleet_find(s, plugin);
	if (r == NULL || r->state != RUNNER_READY || r->channel == NULL || r->fork_at != 0)
		return NULL;
	slot = slot_choose(s, r);
	if (slot == NULL)
		return NULL;
	if (slot->state == SLOT_IDLE &&
	    (strcmp(slot->plugin, plugin) != 0 || slot->generation != r->generation)) {
		slot_leave(slot);
		slot_clear(slot);
	}
	if (slot->state == SLOT_FREE)
		slot_fork(s, slot, r);
	return slot->name;
}

void
supervisor_dispatch(struct supervisor *s)
{
	struct queue_view view;
	struct error err = { 0 };
	struct slot *slot;
	struct job *job;
	int i, open = 0;

	s->dispatch_again = false;
	if (s->core->mode != CORE_RUNNING)
		return;
	for (i = 0; i < s->slots_len && i < s->core->config->running; i++)
		open += slot_open(s->slots[i]);
	if (open == 0)
		return;
	core_view(s->core, &view);
	for (; open > 0; open--) {
		job = queue_claim(s->core->queue, slot_place, s, &view, &err);
		if (job == NULL)
			break;
		slot = slot_find(s, job->worker);
		MUST(slot != NULL && slot->next == 0);
		slot->next = job->id;
		slot->next_epoch = job->epoch;
	}
	if (err.code != 0)
		log_printf(&s->log, DROVER_ERR, "cannot claim a job: %s", err.text);
}

/* Fails a job that cannot be sent, since no other code would ever finish it. */
static void
slot_assign_failed(struct supervisor *s, struct slot *slot, struct error *err)
{
	struct job_outcome outcome = { .error = *err };
	struct error lost = { 0 };

	slot_log(s, slot, DROVER_ERR, err->text);
	if (queue_finish(s->core->queue, slot->job, slot->epoch, &outcome, &lost) != 0)
		slot_log(s, slot, DROVER_ERR, lost.text);
	slot->job = slot->epoch = 0;
	slot->state = SLOT_IDLE;
}

static void
slot_send_job(struct supervisor *s, struct slot *slot, const struct job *job, const char *payload,
    size_t len)
{
	const struct kind_traits *traits = queue_kind(s->core->queue, job->kind);
	char *output = xasprintf("%s/jobs/%llu/%u.log", s->core->config->state_dir,
	    (unsigned long long)job->id, job->attempt);
	const struct drover_job given = { .id = job->id,
		.epoch = job->epoch,
		.attempt = job->attempt,
		.kind = job->kind,
		.key = job->key,
		.trace = job->trace,
		.title = job->title,
		.repo = job->repo,
		.agent = job->agent,
		.source = job->source,
		.payload = payload,
		.payload_len = len,
		.queued_at = job->queued_at };
	const struct job_assign assign = { .job = given,
		.token = job->token,
		.timeout_ms = traits != NULL ? traits->timeout_ms : 0,
		.silence_ms = traits != NULL ? traits->silence_ms : 0,
		.output = output };
	struct message_out out;

	slot->told = slot->peer->told;
	message_begin(&out, MESSAGE_JOB_ASSIGN, 0);
	JOB_ASSIGN_FIELDS(FIELD_PUT, &out, &assign);
	free(output);
	channel_send(slot->peer->channel, &out);
}

/* Sends the slot's claimed job to its worker. */
void
slot_assign(struct supervisor *s, struct slot *slot)
{
	struct queue *queue = s->core->queue;
	struct error err = { 0 };
	const struct job *job = queue_running(queue, slot->job, slot->epoch);
	char *payload;
	size_t len;

	if (job == NULL) {
		slot->job = slot->epoch = 0;
		slot->state = SLOT_IDLE;
		return;
	}
	if (queue_accepted(queue, job->id, &payload, &len, &err) != 0) {
		slot_assign_failed(s, slot, &err);
		return;
	}
	slot->state = SLOT_BUSY;
	slot->since = slot->heard = clock_mono();
	slot->cpu_ms = slot->rss = slot->output = 0;
	slot_send_job(s, slot, job, payload, len);
	free(payload);
}

static void
slot_outcome_kept(struct slot *slot)
{
	struct message_out out;

	message_begin(&out, MESSAGE_JOB_OUTCOME_KEPT, 0);
	message_put_u(&out, slot->outcome_job);
	message_put_u(&out, slot->outcome_epoch);
	channel_send(slot->peer->channel, &out);
}

/*
 * Undoes this tick's claim and outcome after a failed commit. The slot is then
 * as it was before the tick, and the worker repeats its JOB_OUTCOME.
 */
static void
slot_take_back(struct slot *slot)
{
	if (slot->freed) {
		slot->job = slot->outcome_job;
		slot->epoch = slot->outcome_epoch;
		slot->state = SLOT_BUSY;
	}
	slot->freed = false;
	slot->next = slot->next_epoch = slot->outcome_job = slot->outcome_epoch = 0;
}

void
supervisor_flush(struct supervisor *s, const struct error *failed)
{
	struct slot *slot;
	int i;

	for (i = 0; i < s->slots_len; i++) {
		slot = s->slots[i];
		if (failed != NULL) {
			slot_take_back(slot);
			continue;
		}
		if (slot->outcome_job != 0 && slot->peer != NULL &&
		    (slot->next == 0 || slot->state != SLOT_IDLE))
			slot_outcome_kept(slot);
		slot->outcome_job = slot->outcome_epoch = 0;
		if (slot->freed)
			slot->freed = slot->cancelled = slot->interrupting = false;
		if (slot->next == 0)
			continue;
		if (slot->job == 0) {
			slot->job = slot->next;
			slot->epoch = slot->next_epoch;
			slot->next = slot->next_epoch = 0;
			if (slot->state == SLOT_IDLE)
				slot_assign(s, slot);
		}
	}
	if (failed == NULL)
		return;
	/*
	 * Jobs whose end was rolled back are running again in the database, and
	 * need slots.
	 */
	s->trouble_until = clock_mono() + STORE_TROUBLE_MS;
	slots_restore(s);
}

static void
slot_take_outcome(struct supervisor *s, struct slot *slot, struct message *m)
{
	struct core *core = s->core;
	struct job_outcome outcome = { .wall_ms = message_i(m, "wall"),
		.cpu_ms = message_i(m, "cpu"),
		.rss = message_i(m, "rss"),
		.output = (int64_t)message_u(m, "output") };
	uint64_t id = message_u(m, "job"), epoch = message_u(m, "epoch");
	struct job *job = queue_running(core->queue, id, epoch);
	struct error err = { 0 };
	char *source;
	int rc;

	message_error(m, &outcome.error);
	if (!slot->freed) {
		slot->outcome_job = id;
		slot->outcome_epoch = epoch;
	}
	if (slot->job == id && slot->epoch == epoch) {
		slot->freed = true;
		slot->job = slot->epoch = 0;
		slot->state = SLOT_IDLE;
		slot->since = clock_mono();
	}
	if (job == NULL)
		return;
	source = xstrdup(job->source);
	if (slot->interrupting && outcome.error.code == DROVER_CANCELLED)
		rc = queue_interrupt(core->queue, id, false, "drover was stopped", &err);
	else
		rc = queue_finish(core->queue, id, epoch, &outcome, &err);
	if (rc != 0)
		slot_log(s, slot, DROVER_ERR, err.text);
	slot_forget_job(s, slot, id, epoch);
	if (source != NULL && *source != '\0')
		sources_job_ended(s, source);
	free(source);
}

/* Ends the leases that the attempt still holds. */
static void
slot_forget_job(struct supervisor *s, struct slot *slot, uint64_t id, uint64_t epoch)
{
	struct error err = { 0 };

	if (leases_end(s->core->leases, id, epoch, &err) != 0)
		slot_log(s, slot, DROVER_ERR, err.text);
}

/*
 * A worker that has lost its slot repeats JOB_OUTCOME until it hears that its
 * job is not wanted.
 */
static void
slots_unwanted(struct peer *p, struct message *m)
{
	struct core *core = p->supervisor->core;

	if (m->type == MESSAGE_JOB_OUTCOME && !store_dirty(core->store) &&
	    queue_running(core->queue, message_u(m, "job"), message_u(m, "epoch")) == NULL)
		slots_welcome(p, message_u(m, "job"), false);
}

void
slots_message(struct peer *p, struct message *m)
{
	struct supervisor *s = p->supervisor;
	struct slot *slot = p->slot;

	if (slot == NULL) {
		slots_unwanted(p, m);
		return;
	}
	slot->heard = clock_mono();
	switch (m->type) {
	case MESSAGE_WORKER_BEAT:
		slot->cpu_ms = message_i(m, "cpu");
		slot->rss = message_i(m, "rss");
		slot->output = (int64_t)message_u(m, "output");
		queue_seen(s->core->queue, message_u(m, "job"), message_u(m, "epoch"), slot->rss);
		leases_beat(s->core->leases, message_u(m, "job"), message_u(m, "epoch"));
		break;
	case MESSAGE_JOB_OUTCOME:
		slot_take_outcome(s, slot, m);
		break;
	default:
		peer_free(p);
	}
}

/*
 * Handles the end of a worker's connection: it has left, died or lost the
 * connection. If it runs a job, it gets time to come back.
 */
void
slots_peer_closed(struct peer *p)
{
	struct slot *slot = p->slot;

	if (slot == NULL)
		return;
	p->slot = NULL;
	slot->peer = NULL;
	slot->since = clock_mono();
	if (slot->job != 0 || slot->next != 0)
		slot->state = SLOT_LOST;
	else
		slot_clear(slot);
}

void
slots_forked(struct supervisor *s, struct message *m)
{
	struct slot *slot = slot_find(s, message_s(m, "worker"));

	if (slot != NULL && slot->state == SLOT_FORKING && message_i(m, "class") != DROVER_OK)
		slot_fork_failed(s, slot, message_s(m, "text"));
}

/*
 * Frees a slot whose worker could not start. Its job is queued again and does
 * not use up an attempt.
 */
static void
slot_unfork(struct supervisor *s, struct slot *slot, const char *why)
{
	struct error err = { 0 };
	uint64_t job = slot->job != 0 ? slot->job : slot->next;

	if (job != 0 && queue_interrupt(s->core->queue, job, false, why, &err) != 0)
		slot_log(s, slot, DROVER_ERR, err.text);
	slot_clear(slot);
}

static void
slot_fork_failed(struct supervisor *s, struct slot *slot, const char *why)
{
	struct runner_handle *r = fleet_find(s, slot->plugin);

	slot_log(s, slot, DROVER_ERR, why);
	if (r != NULL && r->generation == slot->generation)
		fleet_fork_failed(r, why);
	slot_unfork(s, slot, why);
}

void
slots_runner_lost(const struct runner_handle *r, const char *why)
{
	struct supervisor *s = r->supervisor;
	struct slot *slot;
	int i;

	for (i = 0; i < s->slots_len; i++) {
		slot = s->slots[i];
		if (slot->state == SLOT_FORKING && slot->generation == r->generation &&
		    strcmp(slot->plugin, r->plugin) == 0)
			slot_unfork(s, slot, why);
	}
}

int64_t
slots_tick(struct supervisor *s, int64_t now)
{
	struct slot *slot;
	int64_t wait = -1;
	int i;

	for (i = 0; i < s->slots_len; i++) {
		slot = s->slots[i];
		if (slot->state == SLOT_LOST && now < s->trouble_until)
			wait = wait_min(wait, s->trouble_until - now);
		else if (slot->state == SLOT_LOST || slot->state == SLOT_BUSY)
			wait = wait_min(wait, slot_watch(s, slot, now));
		else if (slot->state == SLOT_IDLE && slot->outcome_job == 0 &&
		    now - slot->since >= WORKER_SPARE_MS) {
			slot_leave(slot);
			slot_clear(slot);
		} else if (slot->state == SLOT_IDLE)
			wait = wait_min(wait, slot->since + WORKER_SPARE_MS - now);
		else if (slot->state == SLOT_FORKING && now - slot->since >= WORKER_FORK_MS)
			slot_fork_failed(s, slot, "the worker did not start within 10 s");
		else if (slot->state == SLOT_FORKING)
			wait = wait_min(wait, slot->since + WORKER_FORK_MS - now);
	}
	return wait;
}

int
slots_cancel(struct supervisor *s, uint64_t job, uint64_t epoch, int code, const char *text)
{
	struct slot *slot = slot_of_job(s, job, epoch);
	struct message_out out;

	if (slot == NULL || slot->peer == NULL || slot->state != SLOT_BUSY)
		return -1;
	message_begin(&out, MESSAGE_JOB_CANCEL, 0);
	message_put_u(&out, job);
	message_put_u(&out, epoch);
	message_put_i(&out, code);
	message_put_s(&out, text);
	channel_send(slot->peer->channel, &out);
	slot->cancelled = true;
	return 0;
}

/* A job that was being cancelled already stays cancelled. */
void
supervisor_interrupt(struct supervisor *s)
{
	struct slot *slot;
	int i;

	for (i = 0; i < s->slots_len; i++) {
		slot = s->slots[i];
		if (slot->job != 0 && !slot->cancelled &&
		    slots_cancel(s, slot->job, slot->epoch, DROVER_CANCELLED,
			"drover is stopping") == 0)
			slot->interrupting = true;
	}
}

int
supervisor_busy(const struct supervisor *s)
{
	int i, n = 0;

	for (i = 0; i < s->slots_len; i++)
		n += s->slots[i]->job != 0 || s->slots[i]->next != 0;
	return n;
}

bool
supervisor_dispatch_again(const struct supervisor *s)
{
	return s->dispatch_again;
}
