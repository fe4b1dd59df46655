/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gives chores to the keeper, and removes old records. leases_tick() says what
 * has to be done with worktrees. A keeper is started for it, gets one TREE_TIDY
 * for each chore, answers with TREE_TIDIED, and is told to end when it has been
 * idle for KEEPER_IDLE_MS. Scratch folders and the output of removed jobs go to
 * the trash, which the keeper empties.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/spawn.h"
#include "base/text.h"
#include "super/chores.h"
#include "super/slots.h"
#include "super/spread.h"
#include "super/supervisor.h"
#include "wire/channel.h"

#define CHORES_MS 60000
#define EXPIRE_MS 8000       /* together with LEASE_TTL_MS this stays under 30 s */
#define KEEPER_IDLE_MS 10000
#define RECORDS_MS 3600000   /* how often old refusals, memory and effects are removed */
#define RECORDS_KEEP_MS (INT64_C(90) * 24 * 3600 * 1000)

struct keeper {
	struct supervisor *supervisor;
	struct channel *channel;
	size_t told;                 /* how many of the known secrets it was told */
	pid_t pid;
	int waiting;             /* chores that it has not answered yet */
	int64_t idle_since;
};

static void keeper_message(void *, struct message *);
static void keeper_closed(void *, const char *);

static const struct channel_calls keeper_calls = { keeper_message, keeper_closed };

static struct keeper *
keeper_start(struct supervisor *s, struct error *err)
{
	static const char *const argv[] = { "droverd", "-x", "keeper", NULL };
	struct spawn child = { .file = s->core->self,
		.argv = argv,
		.fd = { SPAWN_KEEP, SPAWN_KEEP, SPAWN_KEEP } };
	struct keeper *k;
	int fds[2], rc;

	if (message_pair(fds, err) != 0)
		return NULL;
	k = xcalloc(1, sizeof *k);
	k->supervisor = s;
	child.fd[3] = fds[1];
	if ((rc = spawn_start(&child, &k->pid)) == -1)
		error_errno(err, DROVER_AGAIN, "cannot start the keeper of worktrees");
	close(fds[1]);
	if (rc != 0) {
		close(fds[0]);
		free(k);
		return NULL;
	}
	k->channel = channel_new(s->core->base, fds[0], &keeper_calls, k);
	spread_to(k->channel, &k->told);
	return k;
}

void
chores_spread(struct supervisor *s)
{
	if (s->keeper != NULL && s->keeper->channel != NULL)
		spread_to(s->keeper->channel, &s->keeper->told);
}

static void
keeper_send(struct keeper *k, const struct lease_chore *chore)
{
	struct message_out out;

	message_begin(&out, MESSAGE_TREE_TIDY, ++k->supervisor->last_id);
	message_put_u(&out, chore->id);
	message_put_s(&out, chore->action);
	message_put_s(&out, chore->repo);
	message_put_s(&out, chore->path);
	message_put_s(&out, chore->mirror);
	message_put_s(&out, chore->wip);
	k->waiting++;
	channel_send(k->channel, &out);
}

static void
keeper_message(void *arg, struct message *m)
{
	struct keeper *k = arg;
	struct supervisor *s = k->supervisor;
	struct error err = { 0 };

	if (m->type != MESSAGE_TREE_TIDIED)
		return;
	message_hide(m);
	if (k->waiting > 0 && --k->waiting == 0)
		k->idle_since = clock_mono();
	if (message_i(m, "class") != DROVER_OK)
		log_printf(&s->log, DROVER_WARN, "worktree %llu: %s",
		    (unsigned long long)message_u(m, "lease"), message_s(m, "text"));
	if (message_u(m, "lease") != 0 &&
	    leases_tidied(s->core->leases, message_u(m, "lease"),
		message_i(m, "class") == DROVER_OK ? message_s(m, "state") : "dirty",
		message_s(m, "wip"), &err) != 0)
		log_printf(&s->log, DROVER_ERR, "%s", err.text);
	if (message_i(m, "class") == DROVER_OK && message_i(m, "bytes") > 0)
		leases_sized(s->core->leases, message_u(m, "lease"), message_i(m, "bytes"));
}

static void
keeper_closed(void *arg, const char *why)
{
	struct keeper *k = arg;

	channel_free(k->channel);
	k->channel = NULL;
}

static void
chores_run(struct supervisor *s, bool all)
{
	struct lease_chore *chores;
	struct error err = { 0 };
	int i, n = 0;

	chores =
	    leases_tick(s->core->leases, path_free_bytes(s->core->config->state_dir), all, &n);
	if (n > 0 && s->keeper == NULL && (s->keeper = keeper_start(s, &err)) == NULL)
		log_printf(&s->log, DROVER_ERR, "%s", err.text);
	for (i = 0; i < n; i++)
		if (s->keeper != NULL && s->keeper->channel != NULL)
			keeper_send(s->keeper, &chores[i]);
		else
			leases_tidied(s->core->leases, chores[i].id, "dirty", "", NULL);
	free(chores);
}

void
chores_now(struct supervisor *s)
{
	chores_run(s, true);
}

/* Removes refusals, memory and effects that are older than RECORDS_KEEP_MS. */
static void
chores_records(struct supervisor *s)
{
	struct store *store = s->core->store;
	struct error err = { 0 };
	int64_t before = clock_wall() - RECORDS_KEEP_MS;

	/*
	 * Effects of a job are removed with the job, so only those of
	 * operations are removed here.
	 */
	if (store_refusal_prune(store, before, &err) < 0 ||
	    store_memory_prune(store, before, &err) < 0 ||
	    store_effect_prune(store, before, &err) < 0)
		log_printf(&s->log, DROVER_ERR, "%s", err.text);
}

int64_t
chores_tick(struct supervisor *s, int64_t now)
{
	struct keeper *k = s->keeper;

	if (now >= s->records_at) {
		s->records_at = now + RECORDS_MS;
		chores_records(s);
	}

	if (now >= s->expire_at) {
		s->expire_at = now + EXPIRE_MS;
		leases_expire(s->core->leases);
	}
	/*
	 * A keeper that was told to end would leave new chores undone, so they
	 * wait until it has ended.
	 */
	if (now >= s->chores_at && s->core->mode == CORE_RUNNING &&
	    (k == NULL || k->channel != NULL)) {
		s->chores_at = now + CHORES_MS;
		chores_run(s, false);
		k = s->keeper;
	}
	if (k != NULL && k->channel != NULL && k->waiting == 0 &&
	    now - k->idle_since >= KEEPER_IDLE_MS) {
		channel_free(k->channel);
		k->channel = NULL;
	}
	return wait_min(wait_min(wait_min(s->chores_at, s->expire_at), s->records_at) - now,
	    k != NULL && k->channel != NULL && k->waiting == 0 ? KEEPER_IDLE_MS : -1);
}

/* If the keeper died, its trees stay dirty, so the next keeper gets them. */
bool
chores_reap(struct supervisor *s, pid_t pid, int status)
{
	if (s->keeper == NULL || s->keeper->pid != pid)
		return false;
	if (s->keeper->waiting > 0)
		log_printf(&s->log, DROVER_WARN,
		    "the keeper of worktrees ended with status %d and %d chores undone", status,
		    s->keeper->waiting);
	leases_keeper_gone(s->core->leases);
	channel_free(s->keeper->channel);
	free(s->keeper);
	s->keeper = NULL;
	return true;
}

/* True if a running job may still use this folder of scratch/. */
static bool
chores_scratch_wanted(struct supervisor *s, const char *name)
{
	const struct slot *slot;
	char *end;
	uint64_t job = strtoull(name, &end, 10);
	int i;

	if ((strncmp(name, "tmp-w", 5) == 0 && (slot = slot_find(s, name + 4)) != NULL) ||
	    (strncmp(name, "home-w", 6) == 0 && (slot = slot_find(s, name + 5)) != NULL))
		return slot->job != 0;
	if (*end != '\0' || job == 0)
		return supervisor_busy(s) > 0;
	for (i = 0; i < s->slots_len; i++)
		if (s->slots[i]->job == job)
			return true;
	return false;
}

struct pruned {
	struct supervisor *supervisor;
	uint64_t id;
};

/*
 * Moves the output of a removed job to the trash if the removal was committed.
 */
static void
chores_pruned_output(void *arg, const struct error *failed)
{
	struct pruned *p = arg;
	struct supervisor *s = p->supervisor;
	const char *state = s->core->config->state_dir;
	char random[17], *from, *to, *trash = path_join(state, "trash");

	from = xasprintf("%s/jobs/%llu", state, (unsigned long long)p->id);
	to = path_join(trash, text_random_hex(random, 8));
	if (failed == NULL && access(from, F_OK) == 0) {
		if (path_mkdirs(trash, 0700, NULL) != 0 || rename(from, to) != 0)
			log_printf(&s->log, DROVER_WARN, "cannot move %s to the trash: %s", from,
			    strerror(errno));
		leases_trashed(s->core->leases);
	}
	free(from);
	free(to);
	free(trash);
	free(p);
}

void
chores_pruned(void *arg, uint64_t id)
{
	struct supervisor *s = arg;
	struct pruned *p = xcalloc(1, sizeof *p);

	p->supervisor = s;
	p->id = id;
	core_defer(s->core, chores_pruned_output, p);
}

void
chores_scratch(struct supervisor *s)
{
	const char *state = s->core->config->state_dir;
	char *scratch = path_join(state, "scratch"), *trash = path_join(state, "trash"), *from, *to,
	     random[17];
	DIR *dir = opendir(scratch);
	struct dirent *e;
	struct error err = { 0 };

	if (dir != NULL && path_mkdirs(trash, 0700, &err) != 0)
		log_printf(&s->log, DROVER_WARN, "%s", err.text);
	while (dir != NULL && err.code == 0 && (e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.' || chores_scratch_wanted(s, e->d_name))
			continue;
		from = path_join(scratch, e->d_name);
		to = path_join(trash, text_random_hex(random, 8));
		if (rename(from, to) != 0)
			log_printf(&s->log, DROVER_WARN, "cannot move %s to the trash: %s", from,
			    strerror(errno));
		free(from);
		free(to);
	}
	if (dir != NULL)
		closedir(dir);
	free(scratch);
	free(trash);
}

pid_t
chores_pid(const struct supervisor *s)
{
	return s != NULL && s->keeper != NULL ? s->keeper->pid : 0;
}

void
chores_close(struct supervisor *s)
{
	if (s->keeper == NULL)
		return;
	channel_free(s->keeper->channel);
	kill(s->keeper->pid, SIGTERM);
	free(s->keeper);
	s->keeper = NULL;
}
