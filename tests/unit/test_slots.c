/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The slots' state machine: each state of a slot, each thing that can come from
 * a worker, its runner or the clock, and each state of the job that is meant.
 * The queue, the store and the channels are real; the test is the daemon above
 * and the worker at the other end.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "super/fleet.h"
#include "super/peers.h"
#include "super/services.h"
#include "super/slots.h"
#include "super/supervisor.h"

#include "queue_kit.h"
#include "suite.h"

#define FOREIGN_JOB 999 /* of which the queue knows nothing */
#define LONG_MS     600000

/* What the slot is when something happens. */
enum where {
	FREE,     /* and its job runs, as the queue has it, without a worker */
	CLAIMED,  /* its worker is being forked, and the claim is not committed */
	FORKING,
	IDLE,     /* its worker has finished the job */
	BUSY,
	LOST,     /* the connection broke while the job ran */
	RESTORED  /* a new core has found the job running */
};

enum what {
	HELLO,          /* of a worker without a job, as the slot expects it */
	STRANGER,       /* the same with another token, by another process */
	BACK,           /* hello of a worker that runs a job */
	DONE,
	BEAT,
	GARBAGE,
	CLOSED,
	FORK_OK,        /* the runner says that it has forked */
	FORK_FAILED,
	RUNNER_GONE,
	TICK,
	DIED,           /* the process of the worker, then a tick */
	LATE,           /* a tick when every limit has passed */
	CANCEL,
	INTERRUPT,
	DISMISS
};

/* The job that is meant. */
enum whose { MINE, ENDED /* mine, but its attempt is over in the queue */, FOREIGN };

/* A worker's end of a connection. */
struct end {
	struct peer *peer;           /* NULL before it connects, and when the core closed it */
	int fd;
};

static struct core core;
static struct supervisor s;
static struct runner_handle runner;
static struct end worker, other; /* the one that has the slot, and one more */
static int runner_fd;
static struct proc_id process;   /* of the worker */
static uint64_t job, epoch;

static void
stay(void *arg, struct message *m)
{
}

static void
gone(void *arg, const char *why)
{
}

static const struct channel_calls calls = { .message = stay, .closed = gone };

static struct channel *
channel(int *far, void *arg)
{
	int fds[2];

	ck_assert_int_eq(message_pair(fds, &kit.err), 0);
	*far = fds[1];
	ck_assert_int_eq(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
	return channel_new(core.base, fds[0], &calls, arg);
}

static void
forgotten(struct peer *p)
{
	struct end *e = p == worker.peer ? &worker : &other;

	slots_peer_closed(p);
	e->peer = NULL;
}

static void
connect_end(struct end *e)
{
	struct peer *p = xcalloc(1, sizeof *p);

	p->supervisor = &s;
	p->serial = ++s.last_id;
	p->channel = channel(&e->fd, p);
	p->message = slots_message;
	p->closed = forgotten;
	TAILQ_INSERT_TAIL(&s.peers, p, link);
	e->peer = p;
}

/* Hands a message to fn as if it had come in, and frees it. */
static void
deliver(void (*fn)(struct peer *, struct message *), struct peer *p, struct message_out *out)
{
	struct message m;

	ck_assert_msg(
	    message_decode(&m, out->bytes.data, out->bytes.len, &kit.err) == 0, "%s", kit.err.text);
	message_out_free(out);
	fn(p, &m);
	message_free(&m);
}

static void
hello(struct end *e, const char *token, const struct proc_id *id, uint64_t with,
    uint64_t with_epoch)
{
	struct message_out out;

	connect_end(e);
	message_begin(&out, MESSAGE_WORKER_HELLO, 0);
	message_put_s(&out, "w1");
	message_put_s(&out, token);
	message_put_s(&out, "a");
	message_put_u(&out, runner.generation);
	message_put_u(&out, (uint64_t)id->pid);
	message_put_u(&out, id->start);
	message_put_s(&out, id->boot);
	message_put_u(&out, with);
	message_put_u(&out, with_epoch);
	deliver(slots_hello, e->peer, &out);
	if (e->peer != NULL)
		e->peer->closed = forgotten;
}

static void
done(struct end *e, uint64_t id, uint64_t id_epoch, int code)
{
	struct message_out out;

	message_begin(&out, MESSAGE_JOB_OUTCOME, 0);
	message_put_u(&out, id);
	message_put_u(&out, id_epoch);
	message_put_i(&out, code);
	message_put_i(&out, 0);
	message_put_s(&out, "");
	message_put_i(&out, 1);
	message_put_i(&out, 1);
	message_put_i(&out, 1);
	message_put_u(&out, 1);
	deliver(slots_message, e->peer, &out);
}

static void
beat(struct end *e, uint64_t id, uint64_t id_epoch)
{
	struct message_out out;

	message_begin(&out, MESSAGE_WORKER_BEAT, 0);
	message_put_u(&out, id);
	message_put_u(&out, id_epoch);
	message_put_i(&out, 1);
	message_put_i(&out, 1);
	message_put_u(&out, 1);
	deliver(slots_message, e->peer, &out);
}

static void
forked(struct peer *p, struct message *m)
{
	slots_forked(&s, m);
}

static void
fork_answer(int code)
{
	struct message_out out;

	message_begin(&out, MESSAGE_WORKER_FORKED, 0);
	message_put_s(&out, "w1");
	message_put_u(&out, 0);
	message_put_i(&out, code);
	message_put_s(&out, "no more processes");
	deliver(forked, NULL, &out);
}

/* The end of a tick: the commit, or its failure, as the daemon handles them. */
static void
end_tick(bool commits)
{
	const struct error full = { .code = DROVER_AGAIN, .text = "the disk is full" };

	if (commits)
		kit_commit();
	else {
		store_rollback(kit.store);
		ck_assert_int_eq(queue_load(kit.q, &kit.err), 0);
		ck_assert_int_eq(leases_load(core.leases, &kit.err), 0);
	}
	supervisor_flush(&s, commits ? NULL : &full);
	deferred_run(core_deferred(&core), commits ? NULL : &full);
}

static void
core_begin(void)
{
	core.config = &kit.config;
	core.store = kit.store;
	core.queue = kit.q;
	core.leases = leases_new(kit.store, &kit.config);
	ck_assert_int_eq(leases_load(core.leases, &kit.err), 0);
	core.view = kit.view;
	core.viewed_at = INT64_MAX / 2;
	s.slots = NULL;
	s.slots_len = 0;
	slots_resize(&s);
}

static void
core_end(void)
{
	struct peer *p;

	while ((p = TAILQ_FIRST(&s.peers)) != NULL) {
		p->closed = NULL;
		peer_free(p);
	}
	slots_close(&s);
	leases_free(core.leases);
}

static void
setup(void)
{
	static char plugin[] = "a";
	pid_t pid = fork();

	/* The worker's process; the store's lock is not to be inherited. */
	while (pid == 0)
		(void)pause();
	ck_assert_int_eq(proc_identify(pid, &process), 0);
	kit_setup();
	kit.config.running = 1;
	kit.config.state_dir = kit.dir;
	core_init(&core);
	core.mode = CORE_RUNNING;
	core.base = event_base_new();
	memset(&s, 0, sizeof s);
	s.core = &core;
	TAILQ_INIT(&s.runners);
	TAILQ_INIT(&s.peers);
	TAILQ_INIT(&s.calls);
	memset(&runner, 0, sizeof runner);
	runner.supervisor = &s;
	runner.plugin = plugin;
	runner.generation = 1;
	runner.state = RUNNER_READY;
	runner.channel = channel(&runner_fd, NULL);
	TAILQ_INSERT_TAIL(&s.runners, &runner, link);
	worker = other = (struct end){ .fd = -1 };
	core_begin();
}

static void
teardown(void)
{
	(void)kill(process.pid, SIGKILL);
	(void)waitpid(process.pid, NULL, 0);
	core_end();
	channel_free(runner.channel);
	event_base_free(core.base);
	kit.config.state_dir = NULL;
	kit_teardown();
}

static struct slot *
slot(void)
{
	return s.slots[0];
}

/* Brings the slot to where it is to be, by what leads there. */
static void
lead_to(enum where where)
{
	job = kit_submit("a.b", "job");
	kit_commit();
	if (where == FREE) {
		epoch = kit_claim_id(job)->epoch;
		end_tick(true);
		return;
	}
	supervisor_dispatch(&s);
	ck_assert_uint_eq(slot()->next, job);
	epoch = slot()->next_epoch;
	if (where == CLAIMED)
		return;
	end_tick(true);
	if (where == FORKING)
		return;
	hello(&worker, slot()->token, &process, 0, 0);
	end_tick(true);
	if (where == IDLE) {
		done(&worker, job, epoch, DROVER_OK);
		end_tick(true);
	} else if (where == LOST)
		peer_free(worker.peer);
	else if (where == RESTORED) {
		core_end();
		worker.peer = NULL;
		kit_restart();
		core_begin();
		slots_restore(&s);
	}
}

static void
act(enum what what, enum whose whose)
{
	struct end *speaker = worker.peer != NULL ? &worker : &other;
	const struct proc_id stranger = { .pid = 1, .start = 1, .boot = "other" };
	uint64_t id = whose == FOREIGN ? FOREIGN_JOB : job;
	struct message_out out;

	if (what == DONE || what == BEAT || what == GARBAGE || what == CLOSED)
		if (speaker->peer == NULL)
			connect_end(speaker);
	switch (what) {
	case HELLO:
		hello(slot()->state == SLOT_FORKING ? &worker : &other, slot()->token, &process, 0,
		    0);
		break;
	case STRANGER:
		hello(&other, "another", &stranger, 0, 0);
		break;
	case BACK:
		hello(&other, slot()->token, &process, id, epoch);
		break;
	case DONE:
		done(speaker, id, epoch, DROVER_OK);
		break;
	case BEAT:
		beat(speaker, id, epoch);
		break;
	case GARBAGE:
		message_begin(&out, MESSAGE_WORKER_LEAVE, 0);
		deliver(slots_message, speaker->peer, &out);
		break;
	case CLOSED:
		peer_free(speaker->peer);
		break;
	case FORK_OK:
		fork_answer(DROVER_OK);
		break;
	case FORK_FAILED:
		fork_answer(DROVER_AGAIN);
		break;
	case RUNNER_GONE:
		slots_runner_lost(&runner, "the runner ended");
		break;
	case DIED:
		ck_assert_int_eq(kill(process.pid, SIGKILL), 0);
		ck_assert_int_eq(waitpid(process.pid, NULL, 0), process.pid);
		(void)slots_tick(&s, clock_mono());
		break;
	case LATE:
		kit_pass(LONG_MS);
		(void)slots_tick(&s, clock_mono());
		break;
	case TICK:
		(void)slots_tick(&s, clock_mono());
		break;
	case CANCEL:
		(void)slots_cancel(&s, id, epoch, DROVER_CANCELLED, "by a test");
		break;
	case INTERRUPT:
		supervisor_interrupt(&s);
		break;
	case DISMISS:
		slots_dismiss(&s);
		break;
	}
}

/* The names of the messages that wait at fd, a blank before each. */
static void
heard(int fd, struct buf *out)
{
	struct message m;

	while (fd >= 0 && message_recv(fd, &m, &kit.err) == 1) {
		buf_addf(out, " %s", message_name(m.type));
		if (m.type == MESSAGE_WORKER_WELCOME)
			buf_adds(out, message_u(&m, "keep") != 0 ? "(keep)" : "(drop)");
		message_free(&m);
	}
}

struct row {
	enum where where;
	enum what what;
	enum whose whose;
	bool commits;                /* at the end of the tick */
	const char *after;           /* states of slot and job, and what is sent */
};

static const struct row rows[] = {
	{ FREE, HELLO, MINE, true, "free running WORKER_LEAVE" },
	{ FREE, BACK, MINE, true, "busy running WORKER_WELCOME(keep)" },
	{ FREE, BACK, ENDED, true, "free succeeded WORKER_WELCOME(drop)" },
	{ FREE, BACK, FOREIGN, true, "free running WORKER_WELCOME(drop)" },
	{ FREE, DONE, MINE, true, "free running" },
	{ FREE, DONE, ENDED, true, "free succeeded WORKER_WELCOME(drop)" },
	{ FREE, DONE, FOREIGN, true, "free running WORKER_WELCOME(drop)" },
	{ FREE, BEAT, MINE, true, "free running" },
	{ FREE, GARBAGE, MINE, true, "free running" },
	{ FREE, CLOSED, MINE, true, "free running" },
	{ FREE, FORK_OK, MINE, true, "free running" },
	{ FREE, FORK_FAILED, MINE, true, "free running" },
	{ FREE, RUNNER_GONE, MINE, true, "free running" },
	{ FREE, LATE, MINE, true, "free running" },
	{ FREE, CANCEL, MINE, true, "free running" },
	{ FREE, INTERRUPT, MINE, true, "free running" },
	{ FREE, DISMISS, MINE, true, "free running" },

	{ CLAIMED, TICK, MINE, true, "starting running" },
	{ CLAIMED, TICK, MINE, false, "starting queued" },
	{ CLAIMED, HELLO, MINE, true, "busy running WORKER_WELCOME(keep) JOB_ASSIGN" },
	{ CLAIMED, HELLO, MINE, false, "idle queued WORKER_WELCOME(keep)" },
	{ CLAIMED, HELLO, ENDED, true, "idle succeeded WORKER_WELCOME(keep)" },
	{ CLAIMED, STRANGER, MINE, true, "starting running WORKER_LEAVE" },
	{ CLAIMED, BACK, FOREIGN, true, "starting running WORKER_WELCOME(drop)" },
	{ CLAIMED, FORK_OK, MINE, true, "starting running" },
	{ CLAIMED, FORK_FAILED, MINE, true, "free queued" },
	{ CLAIMED, FORK_FAILED, MINE, false, "free queued" },
	{ CLAIMED, RUNNER_GONE, MINE, true, "free queued" },
	{ CLAIMED, LATE, MINE, true, "free queued" },
	{ CLAIMED, CANCEL, MINE, true, "starting running" },
	{ CLAIMED, INTERRUPT, MINE, true, "starting running" },
	{ CLAIMED, DISMISS, MINE, true, "starting running" },

	{ FORKING, TICK, MINE, true, "starting running" },
	{ FORKING, TICK, MINE, false, "starting running" },
	{ FORKING, HELLO, MINE, true, "busy running WORKER_WELCOME(keep) JOB_ASSIGN" },
	{ FORKING, HELLO, ENDED, true, "idle succeeded WORKER_WELCOME(keep)" },
	{ FORKING, STRANGER, MINE, true, "starting running WORKER_LEAVE" },
	{ FORKING, BACK, MINE, true, "busy running WORKER_WELCOME(keep)" },
	{ FORKING, BACK, ENDED, true, "starting succeeded WORKER_WELCOME(drop)" },
	{ FORKING, BACK, FOREIGN, true, "starting running WORKER_WELCOME(drop)" },
	{ FORKING, DONE, MINE, true, "starting running" },
	{ FORKING, DONE, ENDED, true, "starting succeeded WORKER_WELCOME(drop)" },
	{ FORKING, DONE, FOREIGN, true, "starting running WORKER_WELCOME(drop)" },
	{ FORKING, FORK_OK, MINE, true, "starting running" },
	{ FORKING, FORK_FAILED, MINE, true, "free queued" },
	{ FORKING, FORK_FAILED, ENDED, true, "free succeeded" },
	{ FORKING, RUNNER_GONE, MINE, true, "free queued" },
	{ FORKING, RUNNER_GONE, ENDED, true, "free succeeded" },
	{ FORKING, LATE, MINE, true, "free queued" },
	{ FORKING, LATE, ENDED, true, "free succeeded" },
	{ FORKING, CANCEL, MINE, true, "starting running" },
	{ FORKING, INTERRUPT, MINE, true, "starting running" },
	{ FORKING, DISMISS, MINE, true, "starting running" },

	{ IDLE, TICK, ENDED, true, "idle succeeded" },
	{ IDLE, TICK, ENDED, false, "idle succeeded" },
	{ IDLE, HELLO, ENDED, true, "idle succeeded WORKER_LEAVE" },
	{ IDLE, STRANGER, ENDED, true, "idle succeeded WORKER_LEAVE" },
	{ IDLE, BACK, ENDED, true, "idle succeeded WORKER_WELCOME(drop)" },
	{ IDLE, BACK, FOREIGN, true, "idle succeeded WORKER_WELCOME(drop)" },
	{ IDLE, DONE, ENDED, true, "idle succeeded JOB_OUTCOME_KEPT" },
	{ IDLE, DONE, FOREIGN, true, "idle succeeded JOB_OUTCOME_KEPT" },
	{ IDLE, BEAT, ENDED, true, "idle succeeded" },
	{ IDLE, GARBAGE, ENDED, true, "free succeeded" },
	{ IDLE, CLOSED, ENDED, true, "free succeeded" },
	{ IDLE, FORK_OK, ENDED, true, "idle succeeded" },
	{ IDLE, FORK_FAILED, ENDED, true, "idle succeeded" },
	{ IDLE, RUNNER_GONE, ENDED, true, "idle succeeded" },
	{ IDLE, DIED, ENDED, true, "idle succeeded" },
	{ IDLE, LATE, ENDED, true, "free succeeded WORKER_LEAVE" },
	{ IDLE, CANCEL, ENDED, true, "idle succeeded" },
	{ IDLE, INTERRUPT, ENDED, true, "idle succeeded" },
	{ IDLE, DISMISS, ENDED, true, "idle succeeded WORKER_LEAVE" },

	{ BUSY, TICK, MINE, true, "busy running" },
	{ BUSY, TICK, MINE, false, "busy running" },
	{ BUSY, HELLO, MINE, true, "busy running WORKER_LEAVE" },
	{ BUSY, STRANGER, MINE, true, "busy running WORKER_LEAVE" },
	{ BUSY, BACK, MINE, true, "busy running WORKER_WELCOME(keep)" },
	{ BUSY, BACK, ENDED, true, "busy succeeded WORKER_WELCOME(drop)" },
	{ BUSY, BACK, FOREIGN, true, "busy running WORKER_WELCOME(drop)" },
	{ BUSY, DONE, MINE, true, "idle succeeded JOB_OUTCOME_KEPT" },
	{ BUSY, DONE, MINE, false, "busy running" },
	{ BUSY, DONE, ENDED, true, "idle succeeded JOB_OUTCOME_KEPT" },
	{ BUSY, DONE, FOREIGN, true, "busy running JOB_OUTCOME_KEPT" },
	{ BUSY, DONE, FOREIGN, false, "busy running" },
	{ IDLE, DONE, FOREIGN, false, "idle succeeded" },
	{ BUSY, BEAT, MINE, true, "busy running" },
	{ BUSY, BEAT, ENDED, true, "busy succeeded" },
	{ BUSY, BEAT, FOREIGN, true, "busy running" },
	{ BUSY, GARBAGE, MINE, true, "lost running" },
	{ BUSY, CLOSED, MINE, true, "lost running" },
	{ BUSY, CLOSED, ENDED, true, "lost succeeded" },
	{ BUSY, FORK_OK, MINE, true, "busy running" },
	{ BUSY, FORK_FAILED, MINE, true, "busy running" },
	{ BUSY, RUNNER_GONE, MINE, true, "busy running" },
	{ BUSY, DIED, MINE, true, "busy running" },
	{ BUSY, LATE, MINE, true, "free delayed" },
	{ BUSY, LATE, ENDED, true, "free succeeded" },
	{ BUSY, CANCEL, MINE, true, "busy running JOB_CANCEL" },
	{ BUSY, CANCEL, FOREIGN, true, "busy running" },
	{ BUSY, INTERRUPT, MINE, true, "busy running JOB_CANCEL" },
	{ BUSY, DISMISS, MINE, true, "busy running" },

	{ LOST, TICK, MINE, true, "lost running" },
	{ LOST, TICK, MINE, false, "lost running" },
	{ LOST, HELLO, MINE, true, "lost running WORKER_LEAVE" },
	{ LOST, STRANGER, MINE, true, "lost running WORKER_LEAVE" },
	{ LOST, BACK, MINE, true, "busy running WORKER_WELCOME(keep)" },
	{ LOST, BACK, ENDED, true, "lost succeeded WORKER_WELCOME(drop)" },
	{ LOST, BACK, FOREIGN, true, "lost running WORKER_WELCOME(drop)" },
	{ LOST, DONE, MINE, true, "lost running" },
	{ LOST, DONE, ENDED, true, "lost succeeded WORKER_WELCOME(drop)" },
	{ LOST, DONE, FOREIGN, true, "lost running WORKER_WELCOME(drop)" },
	{ LOST, BEAT, MINE, true, "lost running" },
	{ LOST, GARBAGE, MINE, true, "lost running" },
	{ LOST, CLOSED, MINE, true, "lost running" },
	{ LOST, FORK_OK, MINE, true, "lost running" },
	{ LOST, FORK_FAILED, MINE, true, "lost running" },
	{ LOST, RUNNER_GONE, MINE, true, "lost running" },
	{ LOST, DIED, MINE, true, "free delayed" },
	{ LOST, DIED, ENDED, true, "free succeeded" },
	{ LOST, LATE, MINE, true, "free delayed" },
	{ LOST, LATE, ENDED, true, "free succeeded" },
	{ LOST, CANCEL, MINE, true, "lost running" },
	{ LOST, INTERRUPT, MINE, true, "lost running" },
	{ LOST, DISMISS, MINE, true, "lost running" },

	{ RESTORED, TICK, MINE, true, "lost running" },
	{ RESTORED, HELLO, MINE, true, "free queued WORKER_LEAVE" },
	{ RESTORED, HELLO, ENDED, true, "free succeeded WORKER_LEAVE" },
	{ RESTORED, STRANGER, MINE, true, "lost running WORKER_LEAVE" },
	{ RESTORED, BACK, MINE, true, "busy running WORKER_WELCOME(keep)" },
	{ RESTORED, BACK, ENDED, true, "lost succeeded WORKER_WELCOME(drop)" },
	{ RESTORED, BACK, FOREIGN, true, "lost running WORKER_WELCOME(drop)" },
	{ RESTORED, DONE, MINE, true, "lost running" },
	{ RESTORED, DONE, ENDED, true, "lost succeeded WORKER_WELCOME(drop)" },
	{ RESTORED, BEAT, MINE, true, "lost running" },
	{ RESTORED, CLOSED, MINE, true, "lost running" },
	{ RESTORED, FORK_FAILED, MINE, true, "lost running" },
	{ RESTORED, RUNNER_GONE, MINE, true, "lost running" },
	{ RESTORED, DIED, MINE, true, "free queued" },
	{ RESTORED, DIED, ENDED, true, "free succeeded" },
	{ RESTORED, LATE, MINE, true, "free queued" },
	{ RESTORED, LATE, ENDED, true, "free succeeded" },
	{ RESTORED, CANCEL, MINE, true, "lost running" },
	{ RESTORED, INTERRUPT, MINE, true, "lost running" },
	{ RESTORED, DISMISS, MINE, true, "lost running" },
};

START_TEST(each_state_and_event)
{
	const struct row *row = &rows[_i];
	struct buf got = BUF_INIT, before = BUF_INIT;
	const struct job_outcome well = { .error.code = DROVER_OK };

	lead_to(row->where);
	if (row->whose == ENDED && row->where != IDLE) {
		ck_assert_int_eq(queue_finish(kit.q, job, epoch, &well, &kit.err), 0);
		if (row->where != CLAIMED)
			kit_commit();
	}
	heard(worker.fd, &before);
	heard(runner_fd, &before);
	act(row->what, row->whose);
	end_tick(row->commits);
	buf_addf(&got, "%s %s", slot_state_name(slot()->state), state_name(kit_state(job)));
	heard(worker.fd, &got);
	heard(other.fd, &got);
	heard(runner_fd, &got);
	ck_assert_msg(strcmp(buf_str(&got), row->after) == 0, "row %d: got %s, not %s", _i,
	    buf_str(&got), row->after);
	buf_free(&got);
	buf_free(&before);
}
END_TEST

/* What the worker has been sent, and the states of slot and job, are these. */
static void
expect(const char *what)
{
	struct buf got = BUF_INIT;

	buf_addf(&got, "%s %s", slot_state_name(slot()->state), state_name(kit_state(job)));
	heard(worker.fd, &got);
	ck_assert_str_eq(buf_str(&got), what);
	buf_free(&got);
}

/* A second job, claimed for the idle worker in this tick. */
static void
claim_next(void)
{
	struct error err = { 0 };

	job = kit_submit("a.b", "next");
	ck_assert_msg(store_commit(kit.store, &err) == 0, "%s", err.text);
	supervisor_dispatch(&s);
	ck_assert_uint_eq(slot()->next, job);
}

START_TEST(who_is_stopped_with_drover_is_queued_again)
{
	lead_to(BUSY);
	supervisor_interrupt(&s);
	done(&worker, job, epoch, DROVER_CANCELLED);
	end_tick(true);
	expect("idle queued WORKER_WELCOME(keep) JOB_ASSIGN JOB_CANCEL JOB_OUTCOME_KEPT");
}
END_TEST

START_TEST(who_was_cancelled_before_stays_cancelled)
{
	lead_to(BUSY);
	ck_assert_int_eq(slots_cancel(&s, job, epoch, DROVER_CANCELLED, "by a test"), 0);
	supervisor_interrupt(&s);
	done(&worker, job, epoch, DROVER_CANCELLED);
	end_tick(true);
	expect("idle cancelled WORKER_WELCOME(keep) JOB_ASSIGN JOB_CANCEL JOB_OUTCOME_KEPT");
}
END_TEST

START_TEST(a_cancel_reaches_none_but_a_busy_worker)
{
	lead_to(FORKING);
	ck_assert_int_eq(slots_cancel(&s, job, epoch, DROVER_CANCELLED, "by a test"), -1);
	hello(&worker, slot()->token, &process, 0, 0);
	ck_assert_int_eq(slots_cancel(&s, job, epoch + 1, DROVER_CANCELLED, "by a test"), -1);
	peer_free(worker.peer);
	ck_assert_int_eq(slots_cancel(&s, job, epoch, DROVER_CANCELLED, "by a test"), -1);
}
END_TEST

START_TEST(the_next_assignment_settles_the_job_before)
{
	struct buf before = BUF_INIT;

	lead_to(BUSY);
	heard(worker.fd, &before);
	buf_free(&before);
	done(&worker, job, epoch, DROVER_OK);
	claim_next();
	end_tick(true);
	expect("busy running JOB_ASSIGN");
}
END_TEST

START_TEST(a_failed_commit_takes_back_end_and_claim)
{
	uint64_t first;

	lead_to(BUSY);
	first = job;
	job = kit_submit("a.b", "next");
	kit_commit();
	done(&worker, first, epoch, DROVER_OK);
	supervisor_dispatch(&s);
	ck_assert_uint_eq(slot()->next, job);
	end_tick(false);
	expect("busy queued WORKER_WELCOME(keep) JOB_ASSIGN");
	ck_assert_uint_eq(slot()->job, first);
	ck_assert_int_eq(kit_state(first), JOB_RUNNING);
	/* The worker says it again. */
	done(&worker, first, epoch, DROVER_OK);
	end_tick(true);
	ck_assert_int_eq(kit_state(first), JOB_SUCCEEDED);
	expect("idle queued JOB_OUTCOME_KEPT");
}
END_TEST

/* A worker repeats an outcome whose commit takes longer than its patience. */
START_TEST(an_outcome_that_comes_again_frees_no_slot)
{
	uint64_t first;

	lead_to(BUSY);
	first = job;
	done(&worker, first, epoch, DROVER_OK);
	claim_next();
	end_tick(true);
	done(&worker, first, epoch, DROVER_OK);
	(void)kit_submit("a.b", "third");
	end_tick(false);
	ck_assert_int_eq(slot()->state, SLOT_BUSY);
	ck_assert_uint_eq(slot()->job, job);
	ck_assert_int_eq(kit_state(job), JOB_RUNNING);
	ck_assert_int_eq(kit_state(first), JOB_SUCCEEDED);
}
END_TEST

START_TEST(who_is_stopped_with_drover_is_queued_again_after_a_failed_commit)
{
	lead_to(BUSY);
	supervisor_interrupt(&s);
	done(&worker, job, epoch, DROVER_CANCELLED);
	end_tick(false);
	done(&worker, job, epoch, DROVER_CANCELLED);
	end_tick(true);
	ck_assert_int_eq(kit_state(job), JOB_QUEUED);
}
END_TEST

START_TEST(a_worker_that_goes_with_a_claimed_job_is_lost_with_it)
{
	lead_to(IDLE);
	claim_next();
	peer_free(worker.peer);
	end_tick(true);
	ck_assert_int_eq(slot()->state, SLOT_LOST);
	act(DIED, MINE);
	end_tick(true);
	ck_assert_int_eq(slot()->state, SLOT_FREE);
	ck_assert_int_eq(kit_state(job), JOB_DELAYED);
}
END_TEST

START_TEST(who_is_lost_waits_while_the_store_is_in_trouble)
{
	lead_to(LOST);
	end_tick(false);
	act(DIED, MINE);
	ck_assert_int_eq(slot()->state, SLOT_LOST);
	act(LATE, MINE);
	ck_assert_int_eq(slot()->state, SLOT_FREE);
}
END_TEST

START_TEST(a_new_connection_takes_the_place_of_the_old)
{
	lead_to(BUSY);
	act(BACK, MINE);
	peer_free(worker.peer);
	ck_assert_int_eq(slot()->state, SLOT_BUSY);
	done(&other, job, epoch, DROVER_OK);
	end_tick(true);
	ck_assert_int_eq(slot()->state, SLOT_IDLE);
	ck_assert_int_eq(kit_state(job), JOB_SUCCEEDED);
}
END_TEST

START_TEST(who_comes_back_is_dropped_by_nothing_that_is_not_committed)
{
	const struct job_outcome well = { .error.code = DROVER_OK };
	struct buf got = BUF_INIT;

	lead_to(LOST);
	ck_assert_int_eq(queue_finish(kit.q, job, epoch, &well, &kit.err), 0);
	act(BACK, MINE);
	end_tick(false);
	heard(other.fd, &got);
	ck_assert_str_eq(buf_str(&got), "");
	ck_assert_ptr_null(other.peer);
	act(BACK, MINE);
	end_tick(true);
	heard(other.fd, &got);
	ck_assert_str_eq(buf_str(&got), " WORKER_WELCOME(keep)");
	ck_assert_int_eq(slot()->state, SLOT_BUSY);
	buf_free(&got);
}
END_TEST

START_TEST(an_idle_worker_of_an_older_configuration_leaves_for_the_next_job)
{
	struct buf before = BUF_INIT;

	lead_to(IDLE);
	heard(worker.fd, &before);
	buf_free(&before);
	runner.generation++;
	claim_next();
	end_tick(true);
	expect("starting running WORKER_LEAVE");
}
END_TEST

START_TEST(a_result_that_is_not_committed_keeps_its_worker)
{
	lead_to(BUSY);
	runner.generation++;
	done(&worker, job, epoch, DROVER_OK);
	job = kit_submit("a.b", "next");
	supervisor_dispatch(&s);
	ck_assert_uint_eq(slot()->next, 0);
	ck_assert(supervisor_dispatch_again(&s));
	end_tick(true);
	supervisor_dispatch(&s);
	ck_assert_uint_eq(slot()->next, job);
	ck_assert(!supervisor_dispatch_again(&s));
	end_tick(true);
	ck_assert_int_eq(slot()->state, SLOT_FORKING);
}
END_TEST

START_TEST(fewer_slots_wait_for_their_workers)
{
	kit.config.running = 2;
	slots_resize(&s);
	ck_assert_int_eq(s.slots_len, 2);
	lead_to(BUSY);
	kit.config.running = 0;
	slots_resize(&s);
	ck_assert_int_eq(s.slots_len, 1);
	ck_assert_int_eq(supervisor_busy(&s), 1);
	done(&worker, job, epoch, DROVER_OK);
	end_tick(true);
	peer_free(worker.peer);
	slots_resize(&s);
	ck_assert_int_eq(s.slots_len, 0);
}
END_TEST

START_TEST(who_comes_back_needs_the_token_of_the_slot)
{
	lead_to(_i == 0 ? LOST : RESTORED);
	hello(&other, "another", &process, job, epoch);
	end_tick(true);
	ck_assert_int_eq(slot()->state, SLOT_LOST);
	act(BACK, MINE);
	end_tick(true);
	ck_assert_int_eq(slot()->state, SLOT_BUSY);
}
END_TEST

START_TEST(who_says_nothing_is_not_kept)
{
	connect_end(&other);
	other.peer->message = NULL;
	other.peer->since = clock_mono();
	ck_assert_int_eq((int)peers_tick(&s, clock_mono()), 10000);
	kit_pass(10000);
	ck_assert_int_eq((int)peers_tick(&s, clock_mono()), -1);
	ck_assert_ptr_null(other.peer);
}
END_TEST

static void
use(uint64_t request)
{
	struct message_out out;

	message_begin(&out, MESSAGE_JOB_USAGE, request);
	message_put_s(&out, "claude");
	for (int i = 0; i < 5; i++)
		message_put_i(&out, 10);
	deliver(services_message, other.peer, &out);
}

START_TEST(usage_that_comes_again_counts_once)
{
	lead_to(BUSY);
	for (int i = 0; i < 2; i++) {
		connect_end(&other);
		other.peer->job = job;
		other.peer->epoch = epoch;
		use(7);
		end_tick(true);
		peer_free(other.peer);
	}
	ck_assert_int_eq(kit_number("select usage_input from job"), 10);
	connect_end(&other);
	other.peer->job = job;
	other.peer->epoch = epoch;
	use(8);
	end_tick(true);
	ck_assert_int_eq(kit_number("select usage_input from job"), 20);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "slots", setup, teardown);

	tcase_add_loop_test(tc, each_state_and_event, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, who_is_stopped_with_drover_is_queued_again);
	tcase_add_test(tc, who_was_cancelled_before_stays_cancelled);
	tcase_add_test(tc, a_cancel_reaches_none_but_a_busy_worker);
	tcase_add_test(tc, the_next_assignment_settles_the_job_before);
	tcase_add_test(tc, a_failed_commit_takes_back_end_and_claim);
	tcase_add_test(tc, an_outcome_that_comes_again_frees_no_slot);
	tcase_add_test(tc, who_is_stopped_with_drover_is_queued_again_after_a_failed_commit);
	tcase_add_test(tc, a_worker_that_goes_with_a_claimed_job_is_lost_with_it);
	tcase_add_test(tc, who_is_lost_waits_while_the_store_is_in_trouble);
	tcase_add_test(tc, a_new_connection_takes_the_place_of_the_old);
	tcase_add_test(tc, who_comes_back_is_dropped_by_nothing_that_is_not_committed);
	tcase_add_test(tc, an_idle_worker_of_an_older_configuration_leaves_for_the_next_job);
	tcase_add_test(tc, a_result_that_is_not_committed_keeps_its_worker);
	tcase_add_loop_test(tc, who_comes_back_needs_the_token_of_the_slot, 0, 2);
	tcase_add_test(tc, who_says_nothing_is_not_kept);
	tcase_add_test(tc, usage_that_comes_again_counts_once);
	tcase_add_test(tc, fewer_slots_wait_for_their_workers);
}

SUITE(cases)
