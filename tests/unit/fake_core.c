/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A core for tests: one thread with one poll loop, which ends with the job that
 * it serves.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "fake_core.h"

#ifdef __SANITIZE_ADDRESS__
/*
 * libgit2 1.5 leaks PCRE2's match data whenever one of its own patterns does
 * not match.
 */
const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
	return "leak:libpcre2-8.so\n";
}
#endif

struct answer {
	struct error err;
	int64_t number;
	struct buf data;
};

static struct fake_row *row_find(struct fake_row *, int, const char *);
static struct fake_row *row_put(struct fake_row *, int *, const char *, const char *);
static void rows_free(struct fake_row *, int);
static void answer_lease(struct fake_core *, struct message *, struct answer *);
static void answer_effect(struct fake_core *, struct message *, struct answer *);
static void answer_kv(struct fake_core *, struct message *, struct answer *);
static void answer_memory(struct fake_core *, struct message *, struct answer *);
static void answer_ask(struct fake_core *, struct message *, struct answer *);
static void core_message(struct fake_core *, int *, struct message *);
static void core_peer(struct fake_core *, int *);
static void core_serve(struct fake_core *, int pidfd);

static struct fake_row *
row_find(struct fake_row *rows, int len, const char *key)
{
	for (int i = 0; i < len; i++) {
		if (rows[i].key != NULL && strcmp(rows[i].key, key) == 0)
			return &rows[i];
	}
	return NULL;
}

static struct fake_row *
row_put(struct fake_row *rows, int *len, const char *key, const char *value)
{
	struct fake_row *row = row_find(rows, *len, key);

	if (row == NULL) {
		MUST(*len < FAKE_ROWS);
		row = &rows[(*len)++];
		row->key = xstrdup(key);
	}
	free(row->value);
	row->value = xstrdup(value);
	return row;
}

static void
rows_free(struct fake_row *rows, int len)
{
	for (int i = 0; i < len; i++) {
		free(rows[i].key);
		free(rows[i].value);
	}
}

void
fake_core_start(struct fake_core *core, const char *dir)
{
	struct error err = { 0 };

	memset(core, 0, sizeof *core);
	core->dir = xstrdup(dir);
	core->socket = xasprintf("%s/core.sock", dir);
	core->epoch = 1;
	core->reply = "";
	for (int i = 0; i < FAKE_PEERS; i++)
		core->peers[i] = -1;
	core->listener = message_listen(core->socket, &err);
	if (core->listener < 0)
		panic(__FILE__, __LINE__, err.text);
}

void
fake_core_stop(struct fake_core *core)
{
	close(core->listener);
	for (int i = 0; i < FAKE_PEERS; i++) {
		if (core->peers[i] >= 0)
			close(core->peers[i]);
	}
	rows_free(core->kv, core->kv_len);
	rows_free(core->effects, core->effects_len);
	rows_free(core->results, core->results_len);
	for (int i = 0; i < core->trees_len; i++)
		free(core->trees[i].repo);
	free(core->dir);
	free(core->socket);
}

const char *
fake_core_result(const struct fake_core *core, const char *key)
{
	struct fake_row *row = row_find((struct fake_row *)core->results, core->results_len, key);

	return row != NULL ? row->value : NULL;
}

const char *
fake_core_kv(const struct fake_core *core, const char *key)
{
	struct fake_row *row = row_find((struct fake_row *)core->kv, core->kv_len, key);

	return row != NULL ? row->value : NULL;
}

static void
answer_lease(struct fake_core *core, struct message *m, struct answer *a)
{
	static const char *const order[] = { "warm", "dirty" };
	const char *state = "new";
	cJSON *json;
	char *text;
	int at = -1;

	if (m->type == MESSAGE_LEASE_RELEASE) {
		struct fake_tree *tree;

		MUST(message_u(m, "lease") >= 1 &&
		    message_u(m, "lease") <= (uint64_t)core->trees_len);
		tree = &core->trees[message_u(m, "lease") - 1];
		MUST(strcmp(tree->state, "leased") == 0);
		tree->state = strcmp(message_s(m, "state"), "warm") == 0 ? "warm" : "dirty";
		text_copy(tree->wip, sizeof tree->wip, message_s(m, "wip"));
		core->released++;
		return;
	}
	for (size_t o = 0; o < ARRAY_LEN(order) && at < 0; o++) {
		for (int i = 0; i < core->trees_len && at < 0; i++) {
			if (strcmp(core->trees[i].repo, message_s(m, "repo")) == 0 &&
			    strcmp(core->trees[i].state, order[o]) == 0)
				at = i;
		}
	}
	if (at >= 0)
		state = core->trees[at].state;
	else {
		MUST(core->trees_len < FAKE_ROWS);
		at = core->trees_len++;
		core->trees[at].repo = xstrdup(message_s(m, "repo"));
	}
	json = cJSON_CreateObject();
	json_add_int(json, "id", at + 1);
	text = xasprintf("%s/trees/%s/%d", core->dir, core->trees[at].repo, at + 1);
	json_add_str(json, "path", text);
	free(text);
	text = xasprintf("%s/mirrors/%s.git", core->dir, core->trees[at].repo);
	json_add_str(json, "mirror", text);
	free(text);
	json_add_str(json, "state", state);
	core->trees[at].state = "leased";
	text = json_print(json);
	buf_adds(&a->data, text);
	free(text);
	cJSON_Delete(json);
}

static void
answer_effect(struct fake_core *core, struct message *m, struct answer *a)
{
	struct fake_row *row = row_find(core->effects, core->effects_len, message_s(m, "key"));

	if (m->type == MESSAGE_EFFECT_DONE) {
		row_put(core->effects, &core->effects_len, message_s(m, "key"),
		    message_s(m, "result"))
		    ->done = true;
		return;
	}
	if (row == NULL)
		row_put(core->effects, &core->effects_len, message_s(m, "key"), "");
	else if (row->done) {
		a->number = DROVER_EFFECT_DONE;
		buf_adds(&a->data, row->value);
	} else
		a->number = DROVER_EFFECT_UNSURE;
}

static void
answer_kv(struct fake_core *core, struct message *m, struct answer *a)
{
	struct fake_row *row = row_find(core->kv, core->kv_len, message_s(m, "key"));

	if (m->type == MESSAGE_KV_SET)
		row_put(core->kv, &core->kv_len, message_s(m, "key"), message_s(m, "value"));
	else if (row != NULL && m->type == MESSAGE_KV_REMOVE)
		row->key[0] = '\0';
	else if (row != NULL) {
		a->number = 1;
		buf_adds(&a->data, row->value);
	}
}

/* Keeps only the last entry of each subject. */
static void
answer_memory(struct fake_core *core, struct message *m, struct answer *a)
{
	struct fake_row *row = row_find(core->kv, core->kv_len, message_s(m, "subject"));

	if (m->type == MESSAGE_MEMORY_APPEND)
		row_put(core->kv, &core->kv_len, message_s(m, "subject"), message_s(m, "text"));
	else if (row != NULL && m->type == MESSAGE_MEMORY_FORGET)
		row->key[0] = '\0';
	else if (row != NULL)
		buf_add(&a->data, row->value,
		    strlen(row->value) < message_u(m, "max") ? strlen(row->value) :
							       (size_t)message_u(m, "max"));
}

static void
answer_ask(struct fake_core *core, struct message *m, struct answer *a)
{
	const char *bytes;
	size_t len;

	switch (m->type) {
	case MESSAGE_CAPACITY_ASK:
		a->number = core->capacity;
		break;
	case MESSAGE_JOB_EMIT:
		core->emitted++;
		text_copy(core->last_kind, sizeof core->last_kind, message_s(m, "kind"));
		text_copy(core->last_title, sizeof core->last_title, message_s(m, "title"));
		break;
	case MESSAGE_JOB_RESULT:
		row_put(core->results, &core->results_len, message_s(m, "key"),
		    message_s(m, "value"));
		break;
	case MESSAGE_LEASE_ACQUIRE:
	case MESSAGE_LEASE_RELEASE:
		answer_lease(core, m, a);
		break;
	case MESSAGE_KV_GET:
	case MESSAGE_KV_SET:
	case MESSAGE_KV_REMOVE:
		answer_kv(core, m, a);
		break;
	case MESSAGE_EFFECT_BEGIN:
	case MESSAGE_EFFECT_DONE:
		answer_effect(core, m, a);
		break;
	case MESSAGE_MEMORY_APPEND:
	case MESSAGE_MEMORY_READ:
	case MESSAGE_MEMORY_FORGET:
		answer_memory(core, m, a);
		break;
	case MESSAGE_CALL:
		buf_adds(&a->data, core->reply);
		break;
	case MESSAGE_OPERATION_REPLY:
		bytes = message_b(m, "reply", &len);
		text_copy(core->answered, sizeof core->answered, bytes);
		break;
	case MESSAGE_JOB_USAGE:
	case MESSAGE_AGENT_PAUSE:
		break;
	default:
		error_set(&a->err, DROVER_PERMANENT, "%s is not for a job", message_name(m->type));
	}
}

static void
core_message(struct fake_core *core, int *peer, struct message *m)
{
	struct answer a = { .data = BUF_INIT };
	struct message_out out;

	if (m->type == MESSAGE_SECRETS)
		return;
	if (m->type == MESSAGE_JOB_HELLO) {
		if (message_u(m, "epoch") != core->epoch)
			error_set(&a.err, DROVER_FENCED, "epoch %llu is not the running one",
			    (unsigned long long)message_u(m, "epoch"));
	} else if (m->type == core->fence_at) {
		error_set(&a.err, DROVER_FENCED, "a newer attempt has taken over");
	} else {
		answer_ask(core, m, &a);
		if (++core->requests == core->kill_after) {
			core->killed_at = m->type;
			(void)kill(-core->child, SIGKILL);
		}
	}
	message_begin(&out, MESSAGE_REPLY, m->id);
	message_put_i(&out, a.err.code);
	message_put_i(&out, 0);
	message_put_s(&out, a.err.text);
	message_put_i(&out, a.number);
	message_put_b(&out, buf_str(&a.data), a.data.len);
	if (message_send(*peer, &out, &a.err) != 0) {
		close(*peer);
		*peer = -1;
	}
	buf_free(&a.data);
}

static void
core_peer(struct fake_core *core, int *peer)
{
	struct message m;
	struct error err;
	int r = message_recv(*peer, &m, &err);

	if (r == 1) {
		core_message(core, peer, &m);
		message_free(&m);
	} else if (r == 0 || err.code != DROVER_AGAIN) {
		close(*peer);
		*peer = -1;
	}
}

static void
core_serve(struct fake_core *core, int pidfd)
{
	struct pollfd fds[FAKE_PEERS + 2];
	struct error err;

	for (;;) {
		fds[0] = (struct pollfd){ .fd = pidfd, .events = POLLIN };
		fds[1] = (struct pollfd){ .fd = core->listener, .events = POLLIN };
		for (int i = 0; i < FAKE_PEERS; i++)
			fds[i + 2] = (struct pollfd){ .fd = core->peers[i], .events = POLLIN };
		if (poll(fds, FAKE_PEERS + 2, -1) < 0) {
			MUST(errno == EINTR);
			continue;
		}
		for (int i = 0; i < FAKE_PEERS; i++) {
			if (fds[i + 2].revents != 0)
				core_peer(core, &core->peers[i]);
		}
		if (fds[1].revents != 0) {
			int i = 0;

			while (i < FAKE_PEERS && core->peers[i] >= 0)
				i++;
			MUST(i < FAKE_PEERS);
			core->peers[i] = message_accept(core->listener, &err);
		}
		if (fds[0].revents != 0)
			return;
	}
}

int
fake_core_run(struct fake_core *core, int (*job)(struct fake_core *, void *), void *arg)
{
	int pidfd, status;

	core->requests = 0;
	core->killed_at = MESSAGE_NONE;
	fflush(NULL);
	core->child = fork();
	MUST(core->child >= 0);
	if (core->child == 0) {
		setpgid(0, 0);
		close(core->listener);
		status = job(core, arg);
#ifdef __SANITIZE_ADDRESS__
		if (status == 0 && __lsan_do_recoverable_leak_check() != 0)
			status = 99;
#endif
		fflush(NULL);
		_exit(status);
	}
	setpgid(core->child, core->child);
	pidfd = pidfd_open(core->child, 0);
	MUST(pidfd >= 0);
	core_serve(core, pidfd);
	close(pidfd);
	MUST(waitpid(core->child, &status, 0) == core->child);
	for (int i = 0; i < core->trees_len; i++) {
		if (strcmp(core->trees[i].state, "leased") == 0)
			core->trees[i].state = "dirty";
	}
	for (int i = 0; i < FAKE_PEERS; i++) {
		if (core->peers[i] >= 0)
			close(core->peers[i]);
		core->peers[i] = -1;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
