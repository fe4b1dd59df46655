/* SPDX-License-Identifier: Apache-2.0 */
/* The fake host: see fake_host.h. */
#include <sys/mman.h>

#include <dlfcn.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "fake_host.h"

static struct fake *fake_of(struct drover_scope *);
static void copy(char *, size_t, const char *);
static uint64_t hash(const char *, uint64_t);
static int answer(struct drover_error *, int, const char *);

static struct fake *
fake_of(struct drover_scope *scope)
{
	return (struct fake *)scope;
}

static void
copy(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text != NULL ? text : "");
}

static uint64_t
hash(const char *data, uint64_t len)
{
	uint64_t h = 5381;

	while (len-- > 0)
		h = h * 33 + (unsigned char)*data++;
	return h;
}

static int
answer(struct drover_error *err, int code, const char *text)
{
	if (code != 0) {
		err->code = code;
		copy(err->text, sizeof(err->text), text);
	}
	return code;
}

void
fake_step(struct fake *f)
{
	if (f != NULL && ++f->step == f->kill_at)
		raise(SIGKILL);
}

static void
log_line(struct drover_scope *scope, int level, const char *message,
    const struct drover_field *fields, size_t n)
{
	struct fake *f = fake_of(scope);
	size_t used = strlen(f->log);

	snprintf(f->log + used, sizeof(f->log) - used, "%s\n", message);
}

static void DROVER_PRINTF(3, 4)
log_printf(struct drover_scope *scope, int level, const char *format, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	log_line(scope, level, line, NULL, 0);
}

static size_t
option_count(struct drover_scope *scope, const char *key)
{
	struct fake *f = fake_of(scope);
	size_t n = 0;
	int i;

	for (i = 0; i < f->noptions; i++)
		n += strcmp(f->options[i].key, key) == 0;
	return n;
}

static const char *
option_item(struct drover_scope *scope, const char *key, size_t index)
{
	struct fake *f = fake_of(scope);
	int i;

	for (i = 0; i < f->noptions; i++)
		if (strcmp(f->options[i].key, key) == 0 && index-- == 0)
			return f->options[i].value;
	return NULL;
}

static const char *
option_string(struct drover_scope *scope, const char *key)
{
	return option_item(scope, key, 0);
}

static int64_t
option_integer(struct drover_scope *scope, const char *key)
{
	const char *value = option_string(scope, key);

	return value != NULL ? strtoll(value, NULL, 10) : 0;
}

static int
capacity_available(struct drover_scope *scope, const char *kind, struct drover_error *err)
{
	struct fake *f = fake_of(scope);

	f->calls++;
	fake_step(f);
	if (f->closes > 0)
		close(f->closes);
	f->closes = 0;
	return f->available;
}

static void
copy_author(struct fake_item *to, const struct drover_person *author)
{
	size_t used = 0, i;

	to->author[0] = to->marks[0] = '\0';
	to->author_flags = author != NULL ? author->flags : 0;
	if (author == NULL)
		return;
	ck_assert_uint_eq(author->size, sizeof(*author));
	copy(to->author, sizeof(to->author), author->id);
	for (i = 0; author->marks != NULL && author->marks[i] != NULL && used < sizeof(to->marks);
	     i++)
		used += (size_t)snprintf(to->marks + used, sizeof(to->marks) - used, "%s\n",
		    author->marks[i]);
}

static int
queue_emit(struct drover_scope *scope, const struct drover_item *item, struct drover_error *err)
{
	struct fake *f = fake_of(scope);
	struct fake_item *to = &f->emitted[f->nemitted];

	f->calls++;
	fake_step(f);
	if (f->emit_code != 0)
		return answer(err, f->emit_code, "no such repository");
	ck_assert_int_lt(f->nemitted, FAKE_ITEMS);
	ck_assert_uint_eq(item->size, sizeof(*item));
	ck_assert_uint_lt(strlen(item->key), DROVER_KEY_MAX);
	ck_assert_uint_lt(strlen(item->title), DROVER_TITLE_MAX);
	ck_assert_uint_le(item->payload_len, DROVER_PAYLOAD_MAX);
	to->priority = item->priority;
	copy(to->kind, sizeof(to->kind), item->kind);
	copy(to->key, sizeof(to->key), item->key);
	copy(to->serial, sizeof(to->serial), item->serial);
	copy(to->title, sizeof(to->title), item->title);
	copy_author(to, item->author);
	copy(to->repo, sizeof(to->repo), item->repo);
	copy(to->agent, sizeof(to->agent), item->agent);
	copy(to->pool, sizeof(to->pool), item->pool);
	to->payload_len = item->payload_len;
	to->payload_hash = hash(item->payload, item->payload_len);
	memcpy(to->payload, item->payload,
	    item->payload_len < sizeof(to->payload) ? item->payload_len : sizeof(to->payload));
	f->nemitted++;
	return 0;
}

static int
queue_cursor(struct drover_scope *scope, const char *cursor, struct drover_error *err)
{
	struct fake *f = fake_of(scope);

	f->calls++;
	fake_step(f);
	ck_assert_uint_lt(strlen(cursor), sizeof(f->cursor));
	copy(f->cursor, sizeof(f->cursor), cursor);
	f->cursor_set = true;
	return 0;
}

static int
queue_watch(struct drover_scope *scope, const char *path, struct drover_error *err)
{
	struct fake *f = fake_of(scope);

	f->calls++;
	copy(f->watched, sizeof(f->watched), path);
	return 0;
}

static int
queue_result(struct drover_scope *scope, const char *key, const char *value,
    struct drover_error *err)
{
	struct fake *f = fake_of(scope);

	f->calls++;
	ck_assert_int_lt(f->nresults, FAKE_PAIRS);
	copy(f->results[f->nresults].key, sizeof(f->results[0].key), key);
	copy(f->results[f->nresults].value, sizeof(f->results[0].value), value);
	f->nresults++;
	return 0;
}

static int
queue_cancelled(struct drover_scope *scope)
{
	return 0;
}

static int
queue_again(struct drover_scope *scope, int64_t delay_ms, struct drover_error *err)
{
	ck_assert_int_ge(delay_ms, 100);
	fake_of(scope)->calls++;
	fake_of(scope)->again = delay_ms;
	return 0;
}

static int
queue_wake(struct drover_scope *scope, const char *source, struct drover_error *err)
{
	fake_of(scope)->calls++;
	copy(fake_of(scope)->outside.woken, sizeof(fake_of(scope)->outside.woken), source);
	return 0;
}

static int
lease_acquire(struct drover_scope *scope, const char *repo, const char *ref,
    struct drover_lease *lease, struct drover_error *err)
{
	struct fake *f = fake_of(scope);

	f->calls++;
	copy(f->leased, sizeof(f->leased), repo);
	lease->handle = 7;
	copy(lease->path, sizeof(lease->path), "/leased");
	return answer(err, f->lease_code, "no worktree");
}

static int
lease_release(struct drover_scope *scope, uint64_t handle, struct drover_error *err)
{
	fake_of(scope)->calls++;
	return 0;
}

static int
lease_scratch(struct drover_scope *scope, char *path, size_t size, struct drover_error *err)
{
	fake_of(scope)->calls++;
	copy(path, size, "/scratch");
	return 0;
}

static int
lease_fetch(struct drover_scope *scope, const char *const *repos, size_t n,
    struct drover_error *err)
{
	fake_of(scope)->calls++;
	return 0;
}

static int
exec_run(struct drover_scope *scope, const struct drover_command *command,
    struct drover_outcome *outcome, struct drover_error *err)
{
	struct fake *f = fake_of(scope);
	uint32_t size = outcome->size;
	size_t i, used = 0;

	f->calls++;
	ck_assert_uint_eq(command->size, sizeof(*command));
	ck_assert_uint_eq(size, sizeof(*outcome));
	f->argv[0] = f->env[0] = '\0';
	for (i = 0; command->argv[i] != NULL && used < sizeof(f->argv); i++)
		used += (size_t)snprintf(f->argv + used, sizeof(f->argv) - used, "[%s]",
		    command->argv[i]);
	for (i = 0, used = 0;
	     command->env != NULL && command->env[i] != NULL && used < sizeof(f->env); i++)
		used +=
		    (size_t)snprintf(f->env + used, sizeof(f->env) - used, "[%s]", command->env[i]);
	copy(f->cwd, sizeof(f->cwd), command->cwd);
	snprintf(f->input, sizeof(f->input), "%.*s", (int)command->input_len,
	    command->input != NULL ? command->input : "");
	f->timeout_ms = command->timeout_ms;
	*outcome = f->outcome;
	outcome->size = size;
	return answer(err, f->exec_code, "no such command");
}

static int
git_diff(struct drover_scope *scope, uint64_t lease, struct drover_diff *diff,
    struct drover_error *err)
{
	fake_of(scope)->calls++;
	ck_assert_uint_eq(lease, 7);
	diff->files = 2;
	diff->added = 10;
	diff->removed = 3;
	return 0;
}

static int
git_commit(struct drover_scope *scope, uint64_t lease, const char *message, char *commit,
    size_t size, struct drover_error *err)
{
	return answer(err, DROVER_INTERNAL, "not expected");
}

static int
git_push(struct drover_scope *scope, uint64_t lease, const char *branch, struct drover_error *err)
{
	return answer(err, DROVER_INTERNAL, "not expected");
}

static int
change_run(struct drover_scope *scope, const struct drover_change *change,
    struct drover_change_result *result, struct drover_error *err)
{
	struct fake *f = fake_of(scope);
	uint32_t size = result->size;

	f->calls++;
	ck_assert_uint_eq(change->size, sizeof(*change));
	ck_assert_uint_eq(size, sizeof(*result));
	copy(f->prompt, sizeof(f->prompt), change->prompt);
	copy(f->change_title, sizeof(f->change_title), change->title);
	copy(f->change_branch, sizeof(f->change_branch), change->branch);
	copy(f->change_ref, sizeof(f->change_ref), change->ref);
	copy(f->change_repo, sizeof(f->change_repo), change->repo);
	f->change_flags = change->flags;
	*result = f->change_result;
	result->size = size;
	return answer(err, f->change_code, "the agent gave up");
}

static int64_t
time_now(struct drover_scope *scope)
{
	return fake_of(scope)->wall;
}

static int64_t
time_monotonic(struct drover_scope *scope)
{
	return fake_of(scope)->monotonic;
}

static int64_t
time_remaining(struct drover_scope *scope)
{
	return 60000;
}

static const struct drover_host_log host_log = { .size = sizeof(host_log),
	.line = log_line,
	.printf = log_printf };
static const struct drover_host_option host_option = { sizeof(host_option), option_string,
	option_integer, option_count, option_item };
static const struct drover_host_capacity host_capacity = { sizeof(host_capacity),
	capacity_available };
static const struct drover_host_queue host_queue = {
	.size = sizeof(host_queue),
	.emit = queue_emit,
	.cursor = queue_cursor,
	.watch = queue_watch,
	.result = queue_result,
	.cancelled = queue_cancelled,
	.again = queue_again,
	.wake = queue_wake,
};
static const struct drover_host_lease host_lease = { .size = sizeof(host_lease),
	.acquire = lease_acquire,
	.release = lease_release,
	.scratch = lease_scratch,
	.fetch = lease_fetch };
static const struct drover_host_exec host_exec = { sizeof(host_exec), exec_run };
static const struct drover_host_git host_git = { sizeof(host_git), git_diff, git_commit, git_push };
static const struct drover_host_change host_change = { sizeof(host_change), change_run };
static const struct drover_host_time host_time = { sizeof(host_time), time_now, time_monotonic,
	time_remaining };

static const struct drover_host host = {
	.size = sizeof(host),
	.major = DROVER_ABI_MAJOR,
	.minor = DROVER_ABI_MINOR,
	.log = &host_log,
	.option = &host_option,
	.capacity = &host_capacity,
	.queue = &host_queue,
	.lease = &host_lease,
	.exec = &host_exec,
	.git = &host_git,
	.change = &host_change,
	.time = &host_time,
	.agent = &fake_agent_table,
	.http = &fake_http,
	.kv = &fake_kv_table,
	.secret = &fake_secret_table,
	.effect = &fake_effect_table,
	.call = &fake_call_table,
	.trust = &fake_trust_table,
	.memory = &fake_memory,
	.prompt = &fake_prompt,
	.repo = &fake_repo_table,
};

struct fake *
fake_new(void)
{
	struct fake *f =
	    mmap(NULL, sizeof(*f), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(f, MAP_FAILED);
	f->scope.host = &host;
	f->available = 10;
	return f;
}

void
fake_free(struct fake *f)
{
	munmap(f, sizeof(*f));
}

const struct drover_plugin *
fake_load(const char *name)
{
	const struct drover_plugin *plugin;
	char path[4096];
	void *handle;

	snprintf(path, sizeof(path), BUILD_DIR "/.libs/%s.so", name);
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	ck_assert_msg(handle != NULL, "%s", handle == NULL ? dlerror() : "");
	plugin = dlsym(handle, "drover_plugin_v1");
	ck_assert_ptr_nonnull(plugin);
	ck_assert_uint_eq(plugin->magic, DROVER_PLUGIN_MAGIC);
	ck_assert_uint_eq(plugin->size, sizeof(*plugin));
	ck_assert_uint_eq(plugin->major, DROVER_ABI_MAJOR);
	ck_assert_str_eq(plugin->name, name);
	return plugin;
}

void
fake_option(struct fake *f, const char *key, const char *value)
{
	copy(f->options[f->noptions].key, sizeof(f->options[0].key), key);
	copy(f->options[f->noptions].value, sizeof(f->options[0].value), value);
	f->noptions++;
}

const char *
fake_result(const struct fake *f, const char *key)
{
	int i;

	for (i = 0; i < f->nresults; i++)
		if (strcmp(f->results[i].key, key) == 0)
			return f->results[i].value;
	return NULL;
}

void
fake_forget(struct fake *f)
{
	f->calls = 0;
	f->nemitted = f->nresults = 0;
	f->cursor_set = false;
	f->log[0] = f->prompt[0] = f->argv[0] = f->env[0] = f->cwd[0] = f->input[0] = f->leased[0] =
	    '\0';
}

int
fake_poll(struct fake *f, const struct drover_source *source, void *state, struct drover_error *err)
{
	int code, i, j;

	f->nemitted = 0;
	f->cursor_set = false;
	f->again = 0;
	f->outside.poll_begin = f->outside.nrequests;
	memset(err, 0, sizeof(*err));
	if ((code = source->poll(&f->scope, state, f->kept_cursor, err)) != 0)
		return code;
	fake_step(f);
	for (i = 0; i < f->nemitted; i++) {
		for (j = 0; j < f->njobs; j++)
			if (f->jobs[j].state == FAKE_ACTIVE &&
			    strcmp(f->jobs[j].item.key, f->emitted[i].key) == 0)
				break;
		if (j < f->njobs)
			continue;
		f->jobs[f->njobs].item = f->emitted[i];
		f->jobs[f->njobs].id = (uint64_t)f->njobs + 1;
		f->jobs[f->njobs].state = FAKE_ACTIVE;
		f->njobs++;
	}
	if (f->cursor_set)
		memcpy(f->kept_cursor, f->cursor, sizeof(f->cursor));
	fake_step(f);
	return 0;
}

int
fake_settle(struct fake *f, const struct drover_source *source, void *state, int i, const char *end,
    const char *result, struct drover_error *err)
{
	struct fake_job *job = &f->jobs[i];
	struct drover_settled settled = {
		.size = sizeof(settled),
		.attempts = 2,
		.job = job->id,
		.kind = job->item.kind,
		.key = job->item.key,
		.trace = "0af7651916cd43dd8448eb211c80319c",
		.state = end,
		.error = strcmp(end, "succeeded") == 0 ? "" : "the checks failed",
		.payload = job->item.payload,
		.payload_len = job->item.payload_len,
		.result = result,
		.queued_at = 1700000000000,
		.started_at = 1700000012000,
		.ended_at = 1700000212000,
	};
	int code;

	memset(err, 0, sizeof(*err));
	job->state = FAKE_ENDED;
	fake_step(f);
	if ((code = source->settle(&f->scope, state, &settled, err)) != 0)
		return code;
	fake_step(f);
	job->state = FAKE_SETTLED;
	return 0;
}
