/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workers and their jobs, against a fake core: ends, clocks, what is left
 * behind, and a core that goes away.
 */
#include <sys/syscall.h>

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "wire/fields.h"
#include "acting_core.h"
#include "suite.h"

#define LONG_MS 600000

static struct core core;

static void
setup(void)
{
	core_open(&core, "pipelines = { run = { }; };", false);
	core_worker(&core);
}

static void
teardown(void)
{
	core_close(&core);
}

static void
setup_threads(void)
{
	core_open(&core, "pipelines = { run = { }; };", true);
	core_worker(&core);
}

/* "wait /tmp/x/lock" */
static const char *
deed(const char *what, const char *file)
{
	static char text[4200];

	(void)snprintf(text, sizeof text, "%s %s", what, core_path(&core, file));
	return text;
}

START_TEST(jobs_follow_each_other_in_one_worker)
{
	struct message m;

	core_assign(&core, 1, "ok", LONG_MS, LONG_MS);
	core_done_with(&core, 1, DROVER_OK, "");
	core_assign(&core, 2, "fail", LONG_MS, LONG_MS);
	core_done(&core, 2, &m);
	ck_assert_int_eq(message_i(&m, "class"), DROVER_AGAIN);
	ck_assert_int_eq(message_i(&m, "retry"), 7000);
	ck_assert_str_eq(message_s(&m, "text"), "the weather is bad");
	message_free(&m);
	core_assign(&core, 3, "mute", LONG_MS, LONG_MS);
	core_done_with(&core, 3, DROVER_INTERNAL, "gave no reason");
	core_assign(&core, 4, "ok", LONG_MS, LONG_MS);
	core_done_with(&core, 4, DROVER_OK, "");
}
END_TEST

START_TEST(an_end_of_the_process_is_a_failure_and_the_worker_lives)
{
	core_assign(&core, 1, "exit", LONG_MS, LONG_MS);
	core_done_with(&core, 1, DROVER_INTERNAL, "the plugin ended the process (exit status 0)");
	core_assign(&core, 2, "segv", LONG_MS, LONG_MS);
	core_done_with(&core, 2, DROVER_INTERNAL,
	    "plugin hostile: signal 11 in run of pipeline hostile.run");
	core_assign(&core, 3, "killed", LONG_MS, LONG_MS);
	core_done_with(&core, 3, DROVER_INTERNAL, "ended by signal 9");
	core_assign(&core, 4, "ok", LONG_MS, LONG_MS);
	core_done_with(&core, 4, DROVER_OK, "");
}
END_TEST

START_TEST(a_cancelled_job_ends_with_what_it_was_told)
{
	core_assign(&core, 1, deed("wait", "lock"), LONG_MS, LONG_MS);
	core_await_held(&core, "lock");
	core_cancel(&core, 99);
	core_cancel(&core, 1);
	core_done_with(&core, 1, DROVER_CANCELLED, "cancelled by a test");
	ck_assert(!core_held(&core, "lock"));
}
END_TEST

START_TEST(what_takes_no_sigterm_is_killed)
{
	core_assign(&core, 1, deed("stubborn", "lock"), LONG_MS, LONG_MS);
	core_await_held(&core, "lock");
	core_cancel(&core, 1);
	core_done_with(&core, 1, DROVER_CANCELLED, "cancelled by a test");
	ck_assert(!core_held(&core, "lock"));
}
END_TEST

START_TEST(the_total_clock_stops_a_job)
{
	core_assign(&core, 1, "wait", 100, 0);
	core_done_with(&core, 1, DROVER_INTERNAL, "timeout: the attempt took longer than 100ms");
	core_assign(&core, 2, "stubborn", 100, 0);
	core_done_with(&core, 2, DROVER_INTERNAL, "timeout: ");
}
END_TEST

START_TEST(silence_stops_who_idles_and_spares_who_works)
{
	core_assign(&core, 1, "busy 1500", LONG_MS, 400);
	core_done_with(&core, 1, DROVER_OK, "");
	core_assign(&core, 2, "wait", LONG_MS, 400);
	core_done_with(&core, 2, DROVER_INTERNAL, "silence: no output and no CPU for 400ms");
}
END_TEST

START_TEST(nothing_that_a_job_started_outlives_it)
{
	core_assign(&core, 1, deed("orphan", "lock"), LONG_MS, LONG_MS);
	core_done_with(&core, 1, DROVER_OK, "");
	ck_assert(!core_held(&core, "lock"));
}
END_TEST

START_TEST(a_process_that_traces_the_job_blocks_no_slot)
{
	int64_t begin = clock_mono();

	core_assign(&core, 1, deed("traced", "lock"), LONG_MS, LONG_MS);
	core_done_with(&core, 1, DROVER_OK, "");
	ck_assert(!core_held(&core, "lock"));
	ck_assert_int_lt(clock_mono() - begin, 5000);
}
END_TEST

START_TEST(a_job_outlives_the_core_and_its_end_is_repeated)
{
	struct message m;

	core_assign(&core, 1, deed("wait", "lock"), LONG_MS, LONG_MS);
	core_await_held(&core, "lock");
	core_die(&core);
	core_listen(&core);
	core_welcome(&core, 1, true);
	ck_assert(core_held(&core, "lock"));
	core_cancel(&core, 1);
	core_expect(core.worker, MESSAGE_JOB_OUTCOME, &m);
	message_free(&m);
	core_expect(core.worker, MESSAGE_JOB_OUTCOME, &m);
	message_free(&m);
	core_die(&core);
	core_listen(&core);
	core_welcome(&core, 1, true);
	core_done_with(&core, 1, DROVER_CANCELLED, "cancelled by a test");
	core_assign(&core, 2, "ok", LONG_MS, LONG_MS);
	core_done_with(&core, 2, DROVER_OK, "");
}
END_TEST

START_TEST(an_assignment_settles_the_job_before_it)
{
	struct message m;

	core_assign(&core, 1, "ok", LONG_MS, LONG_MS);
	core_expect(core.worker, MESSAGE_JOB_OUTCOME, &m);
	message_free(&m);
	core_assign(&core, 2, deed("wait", "lock"), LONG_MS, LONG_MS);
	core_await_held(&core, "lock");
	core_cancel(&core, 2);
	core_done_with(&core, 2, DROVER_CANCELLED, "");
}
END_TEST

START_TEST(an_attempt_that_a_new_core_does_not_want_is_killed)
{
	core_assign(&core, 1, deed("stubborn", "lock"), LONG_MS, LONG_MS);
	core_await_held(&core, "lock");
	core_die(&core);
	core_listen(&core);
	core_welcome(&core, 1, false);
	core_await_free(&core, "lock");
	core_assign(&core, 2, "ok", LONG_MS, LONG_MS);
	core_done_with(&core, 2, DROVER_OK, "");
}
END_TEST

START_TEST(a_worker_outlives_its_runner)
{
	struct message_out out;

	core_assign(&core, 1, deed("wait", "lock"), LONG_MS, LONG_MS);
	core_await_held(&core, "lock");
	message_begin(&out, MESSAGE_RUNNER_STOP, 0);
	core_send(core.runner, &out);
	ck_assert(core_closed(core.runner));
	ck_assert(core_held(&core, "lock"));
	core_cancel(&core, 1);
	core_done_with(&core, 1, DROVER_CANCELLED, "");
	core_assign(&core, 2, "ok", LONG_MS, LONG_MS);
	core_done_with(&core, 2, DROVER_OK, "");
}
END_TEST

START_TEST(a_worker_that_is_told_to_leave_ends_its_job_first)
{
	struct message_out out;
	struct message m;

	core_assign(&core, 1, deed("wait", "lock"), LONG_MS, LONG_MS);
	core_await_held(&core, "lock");
	message_begin(&out, MESSAGE_WORKER_LEAVE, 0);
	core_send(core.worker, &out);
	core_cancel(&core, 1);
	core_done(&core, 1, &m);
	message_free(&m);
	ck_assert(core_closed(core.worker));
	close(core.worker);
	core.worker = -1;
}
END_TEST

START_TEST(sigterm_to_a_worker_takes_the_job_along)
{
	core_assign(&core, 1, deed("stubborn", "lock"), LONG_MS, LONG_MS);
	core_await_held(&core, "lock");
	ck_assert_int_eq(kill((pid_t)core.worker_pid, SIGTERM), 0);
	core_await_free(&core, "lock");
	ck_assert(core_closed(core.worker));
	close(core.worker);
	core.worker = -1;
}
END_TEST

START_TEST(a_killed_worker_takes_the_job_along)
{
	core_assign(&core, 1, deed("stubborn", "lock"), LONG_MS, LONG_MS);
	core_await_held(&core, "lock");
	ck_assert_int_eq(kill((pid_t)core.worker_pid, SIGKILL), 0);
	core_await_free(&core, "lock");
	ck_assert(core_closed(core.worker));
	close(core.worker);
	core.worker = -1;
}
END_TEST

static int
worker_sockets(void)
{
	char path[64], target[64];
	int sockets = 0;
	ssize_t n;

	for (int fd = 3; fd < 64; fd++) {
		(void)snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)core.worker_pid, fd);
		if ((n = readlink(path, target, sizeof target - 1)) > 0) {
			target[n] = '\0';
			sockets += strncmp(target, "socket:", 7) == 0;
		}
	}
	return sockets;
}

START_TEST(a_worker_is_a_session_of_its_own_and_holds_no_socket_of_the_runner)
{
	int64_t give_up = clock_mono() + 20000;

	ck_assert_int_eq(getsid((pid_t)core.worker_pid), (pid_t)core.worker_pid);
	core_assign(&core, 1, "ok", LONG_MS, LONG_MS);
	core_done_with(&core, 1, DROVER_OK, "");
	core_assign(&core, 2, deed("wait", "lock"), LONG_MS, LONG_MS);
	core_await_held(&core, "lock");
	/*
	 * The socket that gave the job its assignment is closed after that, so
	 * the job may be at work before it is.
	 */
	while (worker_sockets() != 1) {
		ck_assert_int_lt(clock_mono(), give_up);
		(void)sched_yield();
	}
	core_cancel(&core, 2);
	core_done_with(&core, 2, DROVER_CANCELLED, "");
}
END_TEST

START_TEST(the_process_that_waits_for_the_next_job_may_die)
{
	struct pollfd spare = { .events = POLLIN };
	struct buf children = BUF_INIT;
	char path[64];

	core_assign(&core, 1, "ok", LONG_MS, LONG_MS);
	core_done_with(&core, 1, DROVER_OK, "");
	(void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)core.worker_pid,
	    (int)core.worker_pid);
	while (children.len == 0) {
		(void)sched_yield();
		ck_assert_int_eq(path_read(path, 4096, &children, NULL), 0);
	}
	spare.fd = (int)syscall(SYS_pidfd_open, strtol(children.data, NULL, 10), 0);
	ck_assert_int_ge(spare.fd, 0);
	ck_assert_int_eq(syscall(SYS_pidfd_send_signal, spare.fd, SIGKILL, NULL, 0), 0);
	ck_assert_int_eq(poll(&spare, 1, LONG_MS), 1);
	close(spare.fd);
	buf_clear(&children);
	core_assign(&core, 2, deed("wait", "lock"), LONG_MS, LONG_MS);
	core_await_held(&core, "lock");
	core_cancel(&core, 2);
	core_done_with(&core, 2, DROVER_CANCELLED, "");
	buf_free(&children);
}
END_TEST

START_TEST(a_job_of_another_plugins_kind_is_refused)
{
	const struct job_assign assign = {
		.job = { .id = 1, .epoch = 10, .attempt = 1, .kind = "hostile.gone" },
		.token = "token",
	};
	struct message_out out;

	message_begin(&out, MESSAGE_JOB_ASSIGN, 0);
	JOB_ASSIGN_FIELDS(FIELD_PUT, &out, &assign);
	core_send(core.worker, &out);
	core_done_with(&core, 1, DROVER_CONFIG, "no pipeline for kind hostile.gone");
}
END_TEST

/* ---- a job's own way to the core ---- */

START_TEST(a_request_is_asked_again_of_a_new_core)
{
	struct message m;
	int fd;

	core_assign(&core, 1, "result big", LONG_MS, LONG_MS);
	fd = core_admit(&core, 1, 10, DROVER_OK);
	core_expect(fd, MESSAGE_JOB_RESULT, &m);
	message_free(&m);
	close(fd);
	fd = core_admit(&core, 1, 10, DROVER_OK);
	core_expect(fd, MESSAGE_JOB_RESULT, &m);
	ck_assert_str_eq(message_s(&m, "key"), "deed");
	ck_assert_str_eq(message_s(&m, "value"), "big");
	core_reply(fd, m.id + 1000, DROVER_AUTH, "somebody else's answer", 0, "");
	core_reply(fd, m.id, DROVER_OK, "", 0, "");
	message_free(&m);
	core_done_with(&core, 1, DROVER_OK, "");
	close(fd);
}
END_TEST

START_TEST(a_stale_attempt_is_fenced)
{
	int fd;

	core_assign(&core, 1, "result big", LONG_MS, LONG_MS);
	fd = core_admit(&core, 1, 10, DROVER_FENCED);
	core_done_with(&core, 1, DROVER_FENCED, "not you");
	close(fd);
}
END_TEST

/* ---- threads ---- */

START_TEST(threads_carry_jobs_as_well)
{
	core_assign(&core, 1, "ok", LONG_MS, LONG_MS);
	core_done_with(&core, 1, DROVER_OK, "");
	core_assign(&core, 2, "fail", LONG_MS, LONG_MS);
	core_done_with(&core, 2, DROVER_AGAIN, "the weather is bad");
	core_assign(&core, 3, deed("wait", "lock"), LONG_MS, LONG_MS);
	core_await_held(&core, "lock");
	core_cancel(&core, 3);
	core_done_with(&core, 3, DROVER_CANCELLED, "cancelled by a test");
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "worker", setup, teardown);

	tcase_add_test(tc, jobs_follow_each_other_in_one_worker);
	tcase_add_test(tc, an_end_of_the_process_is_a_failure_and_the_worker_lives);
	tcase_add_test(tc, a_cancelled_job_ends_with_what_it_was_told);
	tcase_add_test(tc, what_takes_no_sigterm_is_killed);
	tcase_add_test(tc, the_total_clock_stops_a_job);
	tcase_add_test(tc, silence_stops_who_idles_and_spares_who_works);
	tcase_add_test(tc, nothing_that_a_job_started_outlives_it);
	tcase_add_test(tc, a_process_that_traces_the_job_blocks_no_slot);
	tcase_add_test(tc, a_job_outlives_the_core_and_its_end_is_repeated);
	tcase_add_test(tc, an_assignment_settles_the_job_before_it);
	tcase_add_test(tc, an_attempt_that_a_new_core_does_not_want_is_killed);
	tcase_add_test(tc, a_worker_outlives_its_runner);
	tcase_add_test(tc, a_worker_that_is_told_to_leave_ends_its_job_first);
	tcase_add_test(tc, sigterm_to_a_worker_takes_the_job_along);
	tcase_add_test(tc, a_killed_worker_takes_the_job_along);
	tcase_add_test(tc, a_worker_is_a_session_of_its_own_and_holds_no_socket_of_the_runner);
	tcase_add_test(tc, the_process_that_waits_for_the_next_job_may_die);
	tcase_add_test(tc, a_job_of_another_plugins_kind_is_refused);
	tcase_add_test(tc, a_request_is_asked_again_of_a_new_core);
	tcase_add_test(tc, a_stale_attempt_is_fenced);
	tc = suite_case(suite, "worker in threads", setup_threads, teardown);
	tcase_add_test(tc, threads_carry_jobs_as_well);
}

SUITE(cases)
