/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A core that a test plays. Every wait is for an event and has the same
 * generous limit, which only a failing test reaches.
 */
#include <sys/inotify.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "config/config.h"
#include "wire/fields.h"
#include "acting_core.h"
#include "run/runner.h"
#include "temp.h"

#define CORE_WAIT_MS 20000
#define CORE_GRACE_MS 300

static void core_install(const struct core *);
static char *core_settings(const struct core *, const char *plugin_settings);
static void core_await(int fd, const char *what);
static void *core_runner_thread(void *);

static void
core_install(const struct core *core)
{
	char *to = xasprintf("%s/plugins/hostile.so", core->dir);
	struct buf bytes = BUF_INIT;
	struct error err = { 0 };

	ck_assert_msg(path_read(BUILD_DIR "/tests/fixtures/plugins/.libs/hostile.so", 16 << 20,
			  &bytes, &err) == 0, "%s", err.text);
	ck_assert_int_eq(path_mkdirs(core_path(core, "plugins"), 0755, &err), 0);
	ck_assert_int_eq(path_write(to, bytes.data, bytes.len, 0644, &err), 0);
	buf_free(&bytes);
	free(to);
}

static char *
core_settings(const struct core *core, const char *plugin_settings)
{
	char *text = xasprintf("state_dir = \"%s\"; plugin_dirs = ( \"%s/plugins\" );\n"
	    "plugins = ( { name = \"hostile\"; %s } );\n", core->dir, core->dir, plugin_settings);
	struct error err = { 0 };
	struct config *config = config_parse(text, "test.conf", &err);
	cJSON *settings = cJSON_CreateObject();

	ck_assert_msg(config != NULL, "%s", err.text);
	cJSON_AddItemToObject(settings, "config", config_to_json(config));
	json_add_str(settings, "plugin", "hostile");
	json_add_int(settings, "generation", 4);
	json_add_str(settings, "core_socket", core->socket);
	json_add_int(settings, "grace_ms", CORE_GRACE_MS);
	config_free(config);
	free(text);
	text = json_print(settings);
	cJSON_Delete(settings);
	return text;
}

static void *
core_runner_thread(void *arg)
{
	(void)runner_main((int)(intptr_t)arg, true);
	return NULL;
}

enum message_type
core_start(struct core *core, const char *plugin_settings, bool in_process, struct message *first)
{
	struct message_out out;
	struct error err = { 0 };
	char *settings;
	int fds[2], log;

	memset(core, 0, sizeof *core);
	core->worker = -1;
	core->dir = temp_make();
	core->socket = path_join(core->dir, "core.sock");
	core->stderr_file = path_join(core->dir, "stderr");
	core_install(core);
	core_listen(core);
	settings = core_settings(core, plugin_settings);
	ck_assert_int_eq(message_pair(fds, &err), 0);
	core->runner = fds[0];
	if (in_process) {
		ck_assert_int_eq(pthread_create(&core->thread, NULL, core_runner_thread,
				     (void *)(intptr_t)fds[1]),
		    0);
	} else if ((core->pid = fork()) == 0) {
		log = open(core->stderr_file, O_WRONLY | O_CREAT | O_APPEND, 0600);
		(void)dup2(log, STDERR_FILENO);
		close(log);
		close(fds[0]);
		close(core->listening);
		_exit(runner_main(fds[1], false));
	} else {
		ck_assert_int_gt(core->pid, 0);
		close(fds[1]);
	}
	message_begin(&out, MESSAGE_RUNNER_START, 0);
	message_put_s(&out, settings);
	free(settings);
	core_send(core->runner, &out);
	core_await(core->runner, "the runner's first message");
	ck_assert_int_eq(message_recv(core->runner, first, &err), 1);
	return first->type;
}

void
core_open(struct core *core, const char *plugin_settings, bool in_process)
{
	struct message first;

	if (core_start(core, plugin_settings, in_process, &first) == MESSAGE_RUNNER_REFUSED)
		ck_abort_msg("refused: %s", message_s(&first, "text"));
	ck_assert_int_eq(first.type, MESSAGE_RUNNER_READY);
	message_free(&first);
}

void
core_close(struct core *core)
{
	struct message_out out;
	struct error err;

	if (core->worker != -1) {
		message_begin(&out, MESSAGE_WORKER_LEAVE, 0);
		(void)message_send(core->worker, &out, &err);
		while (!core_closed(core->worker))
			;
		close(core->worker);
	}
	message_begin(&out, MESSAGE_RUNNER_STOP, 0);
	(void)message_send(core->runner, &out, &err);
	if (core->pid > 0)
		(void)waitpid(core->pid, NULL, 0);
	else
		(void)pthread_join(core->thread, NULL);
	close(core->runner);
	if (core->listening != -1)
		close(core->listening);
	free(core->socket);
	free(core->stderr_file);
	temp_remove(core->dir);
}

void
core_listen(struct core *core)
{
	struct error err = { 0 };

	core->listening = message_listen(core->socket, &err);
	ck_assert_msg(core->listening != -1, "%s", err.text);
}

void
core_die(struct core *core)
{
	close(core->listening);
	core->listening = -1;
	(void)unlink(core->socket);
	if (core->worker != -1)
		close(core->worker);
	core->worker = -1;
}

static void
core_await(int fd, const char *what)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n;

	while ((n = poll(&p, 1, CORE_WAIT_MS)) == -1 && errno == EINTR)
		;
	ck_assert_msg(n == 1, "nothing came: %s", what);
}

int
core_accept(struct core *core)
{
	struct error err = { 0 };
	int fd;

	core_await(core->listening, "a connection");
	fd = message_accept(core->listening, &err);
	ck_assert_msg(fd != -1, "%s", err.text);
	ck_assert_int_eq(fcntl(fd, F_SETFL, 0), 0);
	return fd;
}

void
core_expect(int fd, enum message_type type, struct message *m)
{
	struct error err = { 0 };

	for (;;) {
		core_await(fd, message_name(type));
		ck_assert_msg(message_recv(fd, m, &err) == 1, "%s instead of %s",
		    err.text[0] != '\0' ? err.text : "the end", message_name(type));
		/* These come at any time. */
		if (m->type == type ||
		    (m->type != MESSAGE_WORKER_BEAT && m->type != MESSAGE_SECRETS))
			break;
		message_free(m);
	}
	ck_assert_msg(m->type == type, "%s instead of %s", message_name(m->type),
	    message_name(type));
}

bool
core_closed(int fd)
{
	struct message m;
	struct error err;
	bool told;
	int rc;

	do {
		core_await(fd, "the end of a connection");
		rc = message_recv(fd, &m, &err);
		told = rc == 1 && m.type == MESSAGE_SECRETS;
		message_free(&m);
	} while (told);
	return rc == 0;
}

void
core_send(int fd, struct message_out *out)
{
	struct error err = { 0 };

	ck_assert_msg(message_send(fd, out, &err) == 0, "%s", err.text);
}

void
core_worker(struct core *core)
{
	struct message_out out;
	struct message m;

	message_begin(&out, MESSAGE_WORKER_FORK, 9);
	message_put_s(&out, "w1");
	message_put_s(&out, "secret");
	core_send(core->runner, &out);
	core_expect(core->runner, MESSAGE_WORKER_FORKED, &m);
	ck_assert_uint_eq(m.id, 9);
	ck_assert_str_eq(message_s(&m, "worker"), "w1");
	ck_assert_int_eq(message_i(&m, "class"), 0);
	core->worker_pid = message_u(&m, "pid");
	message_free(&m);
	core_welcome(core, 0, true);
}

void
core_welcome(struct core *core, uint64_t job, bool keep)
{
	struct message_out out;
	struct message m;

	core->worker = core_accept(core);
	core_expect(core->worker, MESSAGE_WORKER_HELLO, &m);
	ck_assert_str_eq(message_s(&m, "worker"), "w1");
	ck_assert_str_eq(message_s(&m, "token"), "secret");
	ck_assert_str_eq(message_s(&m, "plugin"), "hostile");
	ck_assert_uint_eq(message_u(&m, "generation"), 4);
	ck_assert_uint_eq(message_u(&m, "pid"), core->worker_pid);
	ck_assert_uint_eq(message_u(&m, "job"), job);
	ck_assert_uint_eq(message_u(&m, "epoch"), job * 10);
	message_free(&m);
	message_begin(&out, MESSAGE_WORKER_WELCOME, 0);
	message_put_u(&out, job);
	message_put_u(&out, keep);
	core_send(core->worker, &out);
}

void
core_assign(struct core *core, uint64_t job, const char *deed, int64_t timeout_ms,
    int64_t silence_ms)
{
	const struct job_assign assign = { .job = { .id = job,
					       .epoch = job * 10,
					       .attempt = 1,
					       .kind = "hostile.run",
					       .key = "key",
					       .trace = "0123456789abcdef0123456789abcdef",
					       .title = "title",
					       .payload = deed,
					       .payload_len = strlen(deed),
					       .queued_at = 1 },
		.token = "token",
		.timeout_ms = timeout_ms,
		.silence_ms = silence_ms,
		.output = core_path(core, "output") };
	struct message_out out;

	message_begin(&out, MESSAGE_JOB_ASSIGN, 0);
	JOB_ASSIGN_FIELDS(FIELD_PUT, &out, &assign);
	core_send(core->worker, &out);
}

void
core_cancel(struct core *core, uint64_t job)
{
	struct message_out out;

	message_begin(&out, MESSAGE_JOB_CANCEL, 0);
	message_put_u(&out, job);
	message_put_u(&out, job * 10);
	message_put_i(&out, DROVER_CANCELLED);
	message_put_s(&out, "cancelled by a test");
	core_send(core->worker, &out);
}

void
core_done(struct core *core, uint64_t job, struct message *m)
{
	struct message_out out;

	core_expect(core->worker, MESSAGE_JOB_OUTCOME, m);
	ck_assert_uint_eq(message_u(m, "job"), job);
	ck_assert_uint_eq(message_u(m, "epoch"), job * 10);
	message_begin(&out, MESSAGE_JOB_OUTCOME_KEPT, 0);
	message_put_u(&out, job);
	message_put_u(&out, job * 10);
	core_send(core->worker, &out);
}

void
core_done_with(struct core *core, uint64_t job, int class, const char *text)
{
	struct message m;

	core_done(core, job, &m);
	ck_assert_msg(message_i(&m, "class") == class &&
		strstr(message_s(&m, "text"), text) != NULL,
	    "class %d, \"%s\"", (int)message_i(&m, "class"), message_s(&m, "text"));
	message_free(&m);
}

int
core_admit(struct core *core, uint64_t job, uint64_t epoch, int class)
{
	struct message m;
	int fd = core_accept(core);

	core_expect(fd, MESSAGE_JOB_HELLO, &m);
	ck_assert_uint_eq(message_u(&m, "job"), job);
	ck_assert_uint_eq(message_u(&m, "epoch"), epoch);
	ck_assert_str_eq(message_s(&m, "token"), "token");
	core_reply(fd, m.id, class, class == 0 ? "" : "not you", 0, "");
	message_free(&m);
	return fd;
}

void
core_reply_bytes(int fd, uint64_t id, const char *data, size_t len)
{
	struct message_out out;

	message_begin(&out, MESSAGE_REPLY, id);
	message_put_i(&out, DROVER_OK);
	message_put_i(&out, 0);
	message_put_s(&out, "");
	message_put_i(&out, 0);
	message_put_b(&out, data, len);
	core_send(fd, &out);
}

void
core_reply(int fd, uint64_t id, int class, const char *text, int64_t number, const char *data)
{
	struct message_out out;

	message_begin(&out, MESSAGE_REPLY, id);
	message_put_i(&out, class);
	message_put_i(&out, 0);
	message_put_s(&out, text);
	message_put_i(&out, number);
	message_put_b(&out, data, strlen(data));
	core_send(fd, &out);
}

const char *
core_path(const struct core *core, const char *name)
{
	static char path[4096];

	(void)snprintf(path, sizeof path, "%s/%s", core->dir, name);
	return path;
}

bool
core_held(const struct core *core, const char *name)
{
	int fd = open(core_path(core, name), O_RDWR | O_CLOEXEC), rc;

	if (fd == -1)
		return false;
	rc = flock(fd, LOCK_EX | LOCK_NB);
	close(fd);
	return rc == -1;
}

/*
 * A job makes the file before it locks it, and a lock causes no event, so this
 * looks again every 5 ms.
 */
void
core_await_held(const struct core *core, const char *name)
{
	for (int i = 0; i < CORE_WAIT_MS / 5; i++) {
		if (core_held(core, name))
			return;
		(void)poll(NULL, 0, 5);
	}
	ck_abort_msg("nobody took the lock %s", name);
}

void
core_await_free(const struct core *core, const char *name)
{
	int fd = open(core_path(core, name), O_RDWR | O_CLOEXEC);

	ck_assert_int_ne(fd, -1);
	while (flock(fd, LOCK_EX) == -1)
		ck_assert_int_eq(errno, EINTR);
	close(fd);
}
