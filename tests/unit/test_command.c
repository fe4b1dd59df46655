/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands as a job runs them: what they are given, what is kept of their
 * output, and how they end.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "host/env.h"
#include "host/exec.h"
#include "host/scope.h"
#include "run/services.h"

#include "suite.h"
#include "temp.h"

#define TRACE "0123456789abcdef0123456789abcdef"

static char *dir, *output;
static struct config config;
static struct drover_job job;
static struct scope scope;
static struct drover_outcome outcome;
static struct error err;
static volatile sig_atomic_t cancelled;
static struct buf lines; /* of stdout, a "|" behind each */

static void line_keep(void *arg, const char *line, size_t len);
static int run(const char *const *argv);
static int run_command(const char *const *argv, struct drover_command command);
static const char *output_text(void);
static pid_t number_in(const char *text, const char *after);

#define RUN(...) run((const char *const[]){ __VA_ARGS__, NULL })
#define STRIP(...) __VA_ARGS__
#define RUN_WITH(members, ...) \
	run_command((const char *const[]){ __VA_ARGS__, NULL }, \
	    (struct drover_command){ .size = sizeof(struct drover_command), STRIP members })

static void
scope_open(void)
{
	scope_init(&scope, SCOPE_JOB, &plugin_services);
	scope.config = &config;
	scope.job = &job;
	scope.cancelled = &cancelled;
}

static void
setup(void)
{
	dir = temp_make();
	output = path_join(dir, "output");
	config = (struct config){ .state_dir = dir };
	job = (struct drover_job){ .size = sizeof job,
		.id = 42,
		.attempt = 3,
		.trace = TRACE,
		.kind = "exec.command",
		.repo = "" };
	cancelled = 0;
	scope_open();
	scope.output = open(output, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	scope.output_left = 1 << 20;
	ck_assert_int_ge(scope.output, 0);
}

static void
teardown(void)
{
	clock_fake(-1, -1);
	close(scope.output);
	scope_end(&scope);
	buf_free(&lines);
	free(output);
	temp_remove(dir);
}

/* ---- what a command is given ---- */

START_TEST(the_environment_is_built_from_nothing)
{
	static const char *const names[] = { "PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ",
		"TMPDIR", "TERM", "GIT_TERMINAL_PROMPT", "TRACEPARENT", "DROVER_JOB",
		"DROVER_ATTEMPT", "OWN", "EMPTY" };
	static const char *const own[] = { "OWN=first", "EMPTY=", "OWN=last=1", "TERM=vt100",
		NULL };
	char *copy, *word, *rest;
	size_t i, n = 0;

	setenv("DROVER_CANARY", "secret", 1);
	setenv("LD_PRELOAD_CANARY", "x", 1);
	setenv("TZ", "Europe/Berlin", 1);
	setenv("LANG", "de_DE.UTF-8", 1);
	unsetenv("LC_ALL");
	ck_assert_int_eq(RUN_WITH((.env = own), "/usr/bin/env"), 0);
	copy = xstrdup(buf_str(&lines));
	for (word = strtok_r(copy, "|", &rest); word != NULL; word = strtok_r(NULL, "|", &rest)) {
		for (i = 0; i < ARRAY_LEN(names); i++) {
			if (strncmp(word, names[i], strlen(names[i])) == 0 &&
			    word[strlen(names[i])] == '=')
				break;
		}
		ck_assert_msg(i < ARRAY_LEN(names), "%s", word);
		n++;
	}
	free(copy);
	ck_assert_uint_eq(n, ARRAY_LEN(names));
	ck_assert_ptr_nonnull(strstr(buf_str(&lines), "|OWN=last=1|"));
	ck_assert_ptr_nonnull(strstr(buf_str(&lines), "|EMPTY=|"));
	ck_assert_ptr_nonnull(strstr(buf_str(&lines), "|TERM=vt100|"));
	ck_assert_ptr_nonnull(strstr(buf_str(&lines), "|TZ=Europe/Berlin|"));
	ck_assert_ptr_nonnull(strstr(buf_str(&lines), "|LANG=de_DE.UTF-8|"));
	ck_assert_ptr_nonnull(strstr(buf_str(&lines), "|DROVER_JOB=42|"));
	ck_assert_ptr_nonnull(strstr(buf_str(&lines), "|DROVER_ATTEMPT=3|"));
	ck_assert_ptr_nonnull(strstr(buf_str(&lines), "|TRACEPARENT=00-" TRACE "-"));
}
END_TEST

START_TEST(caches_are_shared_by_the_jobs_of_a_repo)
{
	char name[] = "shop";
	struct config_repo repo = { .name = name };
	char *cache = path_join(dir, "cache");

	config.cache_dir = cache;
	ck_assert_int_eq(RUN("/usr/bin/env"), 0);
	ck_assert_ptr_nonnull(strstr(buf_str(&lines), "/cache/common/npm|"));
	config.repos = &repo;
	config.repos_len = 1;
	job.repo = "shop";
	ck_assert_int_eq(RUN("/usr/bin/env"), 0);
	ck_assert_ptr_nonnull(strstr(buf_str(&lines), "/cache/repos/shop/npm|"));
	config.repos_len = 0;
	free(cache);
}
END_TEST

START_TEST(a_bad_assignment_is_refused)
{
	static const char *const bad[] = { "=x", NULL };

	ck_assert_int_eq(RUN_WITH((.env = bad), "true"), -1);
	ck_assert_int_eq(err.code, DROVER_CONFIG);
}
END_TEST

START_TEST(temporary_files_have_a_folder_that_ends_with_the_scope)
{
	struct stat st;
	char *tmp;

	ck_assert_int_eq(RUN("sh", "-c", "echo x > $TMPDIR/left; echo $TMPDIR"), 0);
	tmp = xstrndup(lines.data + 1, lines.len - 2);
	ck_assert_int_eq(stat(tmp, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0700);
	scope_end(&scope);
	ck_assert_int_eq(stat(tmp, &st), -1);
	free(tmp);
	scope_init(&scope, SCOPE_JOB, &plugin_services);
	scope.output = open("/dev/null", O_RDWR | O_CLOEXEC);
}
END_TEST

START_TEST(a_worker_has_one_folder_for_temporary_files)
{
	struct stat st;
	char *tmp = path_join(dir, "scratch/tmp-w7"), *left = path_join(tmp, "left"),
	     *expected = xasprintf("|%s|", tmp);
	int i;

	ck_assert_int_eq(RUN("true"), 0);
	close(scope.output);
	for (i = 0; i < 5; i++) {
		scope_end(&scope);
		scope_open();
		scope.log.worker = "w7";
		buf_clear(&lines);
		ck_assert_int_eq(RUN("sh", "-c",
				     "ls -A $TMPDIR; echo x > $TMPDIR/left; echo $TMPDIR"),
		    0);
		ck_assert_str_eq(buf_str(&lines), expected);
		ck_assert_int_eq(stat(tmp, &st), 0);
		ck_assert_uint_eq(st.st_mode & 0777, 0700);
		scope_end(&scope);
		ck_assert_int_eq(stat(left, &st), -1);
		/* What a killed job, or a rude one, leaves there. */
		if (i == 0)
			free(temp_file(tmp, "of/a/killed", "x"));
		else if (i == 1)
			ck_assert_int_eq(chmod(tmp, 0500), 0);
		else if (i == 2)
			ck_assert(rmdir(tmp) == 0 && symlink(dir, tmp) == 0);
		else if (i == 3)
			ck_assert_int_eq(rmdir(tmp), 0);
		scope_open();
	}
	ck_assert_int_eq(stat(dir, &st), 0);
	free(expected);
	free(left);
	free(tmp);
}
END_TEST

START_TEST(three_descriptors_and_no_more)
{
	char self[1024];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	int leak = open("/dev/null", O_RDONLY);

	ck_assert_int_gt(n, 0);
	self[n] = '\0';
	ck_assert_int_ge(leak, 0);
	ck_assert_int_eq(RUN(self, "--descriptors"), 0);
	ck_assert_str_eq(buf_str(&lines), "|0 1 2 |");
	close(leak);
}
END_TEST

START_TEST(signals_are_as_at_birth)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	ck_assert_int_eq(RUN("grep", "-E", "^Sig(Ign|Blk):", "/proc/self/status"), 0);
	ck_assert_uint_eq(strtoull(strstr(buf_str(&lines), "SigBlk:") + 8, NULL, 16), 0);
	/* The C library ignores two signals of its own above these. */
	ck_assert_uint_eq(strtoull(strstr(buf_str(&lines), "SigIgn:") + 8, NULL, 16) & 0x7fffffff,
	    0);
}
END_TEST

START_TEST(it_has_a_group_of_its_own_and_its_folder)
{
	char *real = realpath(dir, NULL), *expected;

	ck_assert_int_eq(RUN("sh", "-c", "pwd -P; echo $$; cut -d ' ' -f 5 /proc/$$/stat"), 0);
	expected = xasprintf("|%s|%d|%d|", real, number_in(buf_str(&lines) + strlen(real), "|"),
	    number_in(buf_str(&lines) + strlen(real), "|"));
	ck_assert_str_eq(buf_str(&lines), expected);
	free(expected);
	free(real);
}
END_TEST

/* ---- finding the program ---- */

START_TEST(a_missing_program_is_named_with_its_path)
{
	setenv("PATH", "/usr/bin:/bin", 1);
	ck_assert_int_eq(RUN("no-such-npm", "ci"), -1);
	ck_assert_int_eq(err.code, DROVER_CONFIG);
	ck_assert_str_eq(err.text, "no-such-npm: not found in PATH (/usr/bin:/bin)");
	ck_assert_int_eq(RUN("/no/such/npm"), -1);
	ck_assert_int_eq(err.code, DROVER_CONFIG);
}
END_TEST

START_TEST(the_commands_own_path_is_searched_and_only_absolute_folders)
{
	static const char *own[] = { NULL, NULL };
	char *tool = temp_file(dir, "bin/tool", "#!/bin/sh\necho mine\n");
	char *here = temp_file(dir, "here", "#!/bin/sh\necho here\n");
	char *bin = path_join(dir, "bin");

	chmod(tool, 0700);
	chmod(here, 0700);
	own[0] = xasprintf("PATH=::bin:.:%s:/usr/bin:/bin", bin);
	ck_assert_int_eq(RUN_WITH((.env = own), "tool"), 0);
	ck_assert_str_eq(buf_str(&lines), "|mine|");
	ck_assert_int_eq(chdir(dir), 0);
	ck_assert_int_eq(RUN_WITH((.env = own), "here"), -1);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(RUN_WITH((.env = own), "./here"), 0);
	ck_assert_str_eq(buf_str(&lines), "|here|");
	free((char *)(uintptr_t)own[0]);
	free(bin);
	free(here);
	free(tool);
}
END_TEST

START_TEST(what_cannot_run_says_why)
{
	char *script = temp_file(dir, "script", "#!/no/such/interpreter\n");

	chmod(script, 0700);
	ck_assert_int_eq(RUN(script), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "interpreter"));
	ck_assert_int_eq(err.code, DROVER_CONFIG);
	chmod(script, 0600);
	ck_assert_int_eq(RUN(script), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "Permission denied"));
	ck_assert_int_eq(RUN_WITH((.cwd = "/no/such/folder"), "true"), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "/no/such/folder is missing"));
	ck_assert_int_eq(RUN_WITH((.cwd = "relative"), "true"), -1);
	ck_assert_int_eq(err.code, DROVER_PERMANENT);
	ck_assert_int_eq(run((const char *const[]){ NULL }), -1);
	ck_assert_int_eq(err.code, DROVER_PERMANENT);
	free(script);
}
END_TEST

/* ---- output ---- */

START_TEST(all_output_is_kept_and_stdout_handed_on)
{
	struct buf errors = BUF_INIT;
	const char *const argv[] = { "sh", "-c",
		"echo out; echo err >&2; printf 'no newline'; exit 7", NULL };
	struct drover_command command = { .size = sizeof command,
		.argv = argv,
		.cwd = dir,
		.line = line_keep };

	ck_assert_int_eq(exec_run_split(&scope, &command, NULL, &outcome, &errors, &err), 0);
	ck_assert_int_eq(outcome.status, 7);
	ck_assert_int_eq(outcome.signal, 0);
	ck_assert_uint_eq(outcome.output, 18);
	ck_assert_str_eq(buf_str(&lines), "|out|no newline|");
	ck_assert_str_eq(buf_str(&errors), "err\n");
	ck_assert_uint_eq(strlen(output_text()), 18);
	ck_assert_ptr_nonnull(strstr(outcome.tail, "no newline"));
	ck_assert_ptr_nonnull(strstr(outcome.tail, "err\n"));
	buf_free(&errors);
}
END_TEST

START_TEST(the_file_of_the_output_comes_with_its_first_byte)
{
	char *file = path_join(dir, "jobs/42/3.log");
	struct stat st;

	close(scope.output);
	scope.output = -1;
	scope.output_path = file;
	config.output_max = 6;
	ck_assert_int_eq(RUN("true"), 0);
	ck_assert_int_eq(stat(file, &st), -1);
	ck_assert_int_eq(RUN("echo", "one"), 0);
	ck_assert_int_eq(RUN("echo", "two"), 0);
	close(scope.output);
	free(output);
	output = file;
	ck_assert_str_eq(output_text(),
	    "one\ntw\n[drover: the output is cut here, output_max is reached]\n");
	scope.output = -1;
	scope.output_path = "/proc/nowhere/1.log";
	ck_assert_int_eq(RUN("echo", "lost"), 0);
	ck_assert_int_eq(scope.output, -1);
}
END_TEST

START_TEST(output_is_cut_once_and_says_so)
{
	const char *text, *mark;

	scope.output_left = 1000;
	ck_assert_int_eq(RUN("sh", "-c", "yes 0123456789 | head -c 5000"), 0);
	ck_assert_int_eq(RUN("echo", "more"), 0);
	ck_assert_uint_eq(outcome.output, 5);
	text = output_text();
	mark = strstr(text, "\n[drover: the output is cut here");
	ck_assert_ptr_nonnull(mark);
	ck_assert_int_eq(mark - text, 1000);
	ck_assert_ptr_null(strstr(mark + 1, "more"));
	ck_assert_ptr_null(strstr(mark + 2, "[drover"));
}
END_TEST

START_TEST(output_that_just_fits_is_whole)
{
	scope.output_left = 5;
	ck_assert_int_eq(RUN("echo", "four"), 0);
	ck_assert_str_eq(output_text(), "four\n");
	ck_assert_int_eq(RUN("true"), 0);
	ck_assert_str_eq(output_text(), "four\n");
}
END_TEST

START_TEST(the_tail_is_the_end_of_it)
{
	ck_assert_int_eq(RUN("sh", "-c",
			     "yes aaaaaaa | head -c 100000; printf 'a\\000b'; "
			     "yes € | head -c 6000 | tr -d '\\n'"),
	    0);
	ck_assert_uint_ge(strlen(outcome.tail), 4090);
	ck_assert_uint_lt(strlen(outcome.tail), 4096);
	ck_assert_int_eq(strncmp(outcome.tail, "€", 3), 0);
	ck_assert_int_eq(RUN("printf", "a\\000b"), 0);
	ck_assert_str_eq(outcome.tail, "a b");
}
END_TEST

struct sizes {
	size_t count, largest, bytes;
};

static void
line_measure(void *arg, const char *line, size_t len)
{
	struct sizes *s = arg;

	s->count++;
	s->bytes += len;
	if (len > s->largest)
		s->largest = len;
	ck_assert(len == 0 || line[len - 1] != '\n');
}

START_TEST(long_lines_come_in_pieces)
{
	static const struct { const char *script; size_t count, bytes; } cases[] = {
		{ "head -c 1048576 /dev/zero; echo; echo x", 2, 1048577 },
		{ "head -c 1048577 /dev/zero; echo; echo x", 3, 1048578 },
		{ "head -c 3145728 /dev/zero", 3, 3145728 },
		{ "echo; echo; printf x", 3, 1 },
	};
	struct sizes sizes;
	size_t i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		sizes = (struct sizes){ .count = 0 };
		ck_assert_int_eq(RUN_WITH((.line = line_measure, .arg = &sizes), "sh", "-c",
				     cases[i].script),
		    0);
		ck_assert_uint_eq(sizes.count, cases[i].count);
		ck_assert_uint_eq(sizes.bytes, cases[i].bytes);
		ck_assert_uint_le(sizes.largest, 1048576);
	}
}
END_TEST

START_TEST(a_gigabyte_without_a_newline_takes_no_memory)
{
	struct sizes sizes = { .count = 0 };
	struct rusage before, after;

	ck_assert_int_eq(RUN_WITH((.line = line_measure, .arg = &sizes), "head", "-c", "2097152",
			     "/dev/zero"),
	    0);
	getrusage(RUSAGE_SELF, &before);
	ck_assert_int_eq(RUN_WITH((.line = line_measure, .arg = &sizes), "head", "-c", "1073741824",
			     "/dev/zero"),
	    0);
	getrusage(RUSAGE_SELF, &after);
	ck_assert_uint_eq(outcome.output, 1073741824);
	ck_assert_uint_eq(sizes.bytes, 1073741824 + 2097152);
	ck_assert_int_lt(after.ru_maxrss - before.ru_maxrss, 8 * 1024);
	ck_assert_int_lt(scope.output_left, 0);
}
END_TEST

/* ---- input ---- */

START_TEST(input_and_output_of_any_size_do_not_lock)
{
	size_t len = 8 << 20, i;
	char *input = xmalloc(len);
	struct sizes sizes = { .count = 0 };

	for (i = 0; i < len; i++)
		input[i] = i % 100 == 99 ? '\n' : 'x';
	ck_assert_int_eq(RUN_WITH((.input = input, .input_len = len, .line = line_measure,
				      .arg = &sizes),
			     "tee", "/dev/stderr"),
	    0);
	ck_assert_uint_eq(outcome.output, 2 * len);
	ck_assert_uint_eq(sizes.count, (len + 99) / 100);
	ck_assert_int_eq(RUN_WITH((.input = input, .input_len = len), "true"), 0);
	ck_assert_int_eq(outcome.status, 0);
	ck_assert_int_eq(RUN_WITH((.input = input, .input_len = len), "head", "-c", "10"), 0);
	ck_assert_int_eq(outcome.status, 0);
	free(input);
}
END_TEST

START_TEST(without_input_there_is_an_end_at_once)
{
	ck_assert_int_eq(RUN("sh", "-c", "cat; readlink /proc/self/fd/0"), 0);
	ck_assert_str_eq(buf_str(&lines), "|/dev/null|");
}
END_TEST

/* ---- how it ends ---- */

START_TEST(a_signal_is_told)
{
	ck_assert_int_eq(RUN("sh", "-c", "kill -9 $$"), 0);
	ck_assert_int_eq(outcome.status, -1);
	ck_assert_int_eq(outcome.signal, SIGKILL);
	ck_assert_int_eq(outcome.timed_out, 0);
}
END_TEST

START_TEST(cpu_time_is_counted)
{
	ck_assert_int_eq(RUN("sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"), 0);
	ck_assert_int_gt(outcome.cpu_ms, 0);
}
END_TEST

/* Whoever prints "ready" lets the clock jump by what arg points to. */
static void
line_jump(void *arg, const char *line, size_t len)
{
	if (len >= 5 && memcmp(line, "ready", 5) == 0)
		clock_fake(clock_wall(), clock_mono() + *(int64_t *)arg);
	line_keep(NULL, line, len);
}

START_TEST(time_out_asks_first)
{
	int64_t jump = 60001;

	clock_fake(1700000000000, 1000000);
	ck_assert_int_eq(RUN_WITH((.timeout_ms = 60000, .line = line_jump, .arg = &jump), "sh",
			     "-c",
			     "trap 'echo asked; exit 3' TERM; echo ready; while :; do sleep 1000 & "
			     "wait; done"),
	    0);
	ck_assert_int_eq(outcome.timed_out, 1);
	ck_assert_int_eq(outcome.status, 3);
	ck_assert_str_eq(buf_str(&lines), "|ready|asked|");
}
END_TEST

START_TEST(who_does_not_listen_is_killed)
{
	int64_t jump = 60001;

	clock_fake(1700000000000, 1000000);
	ck_assert_int_eq(RUN_WITH((.timeout_ms = 60000, .line = line_jump, .arg = &jump), "sh",
			     "-c",
			     "trap 'echo ready again' TERM; echo ready; while :; do sleep 1000 & "
			     "wait; done"),
	    0);
	ck_assert_int_eq(outcome.timed_out, 1);
	ck_assert_int_eq(outcome.signal, SIGKILL);
	ck_assert_str_eq(buf_str(&lines), "|ready|ready again|");
}
END_TEST

START_TEST(the_scopes_deadline_holds)
{
	int64_t jump = 5001;

	clock_fake(1700000000000, 1000000);
	scope.deadline_ms = 1005000;
	ck_assert_int_eq(RUN_WITH((.timeout_ms = 60000, .line = line_jump, .arg = &jump), "sh",
			     "-c", "echo ready; exec sleep 1000"),
	    0);
	ck_assert_int_eq(outcome.timed_out, 1);
	ck_assert_int_eq(outcome.signal, SIGTERM);
	ck_assert_int_eq(RUN("true"), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "time is over"));
}
END_TEST

static void
line_cancel(void *arg, const char *line, size_t len)
{
	cancelled = 1;
	line_keep(arg, line, len);
}

START_TEST(cancelled_is_stopped)
{
	ck_assert_int_eq(RUN_WITH((.line = line_cancel), "sh", "-c", "echo ready; exec sleep 1000"),
	    -1);
	ck_assert_int_eq(err.code, DROVER_CANCELLED);
	ck_assert_int_eq(outcome.signal, SIGTERM);
	ck_assert_int_eq(outcome.timed_out, 0);
	ck_assert_int_eq(RUN("true"), -1);
	ck_assert_int_eq(err.code, DROVER_CANCELLED);
}
END_TEST

START_TEST(its_group_ends_with_it)
{
	pid_t pid;
	int status;

	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	ck_assert_int_eq(RUN("sh", "-c", "trap '' TERM; sleep 1000 & echo pid $!"), 0);
	ck_assert_int_eq(outcome.status, 0);
	pid = number_in(buf_str(&lines), "pid ");
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}
END_TEST

START_TEST(who_escapes_holds_nobody_up)
{
	pid_t pid;
	int status;

	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	ck_assert_int_eq(RUN("sh", "-c",
			     "mkfifo up; setsid sh -c 'echo pid $$; echo > up; exec yes' & read x "
			     "< up"),
	    0);
	ck_assert_int_eq(outcome.status, 0);
	pid = number_in(buf_str(&lines), "pid ");
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
}
END_TEST

/*
 * This program as a command, which leaves a process behind: "away" in a session
 * of its own and with no environment, "stopped" by a signal, "tracing" the
 * command itself. The process keeps a lock on the file.
 */
static void
leave(const char *kind, const char *file)
{
	static char word[] = "sleep", length[] = "999";
	char *const argv[] = { word, length, NULL }, *const no_env[] = { NULL };
	pid_t self = getpid(), pid;
	int fds[2];

	(void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	MUST(pipe(fds) == 0 && (pid = fork()) != -1);
	if (pid != 0) {
		close(fds[1]);
		MUST(waitpid(pid, NULL, 0) == pid && read(fds[0], &(char){ 0 }, 1) == 1);
		_exit(5);
	}
	if (fork() != 0)
		_exit(0);
	(void)setsid();
	(void)signal(SIGTERM, SIG_IGN);
	MUST(flock(open(file, O_RDWR | O_CREAT, 0600), LOCK_EX | LOCK_NB) == 0);
	if (strcmp(kind, "tracing") == 0)
		MUST(ptrace(PTRACE_SEIZE, self, NULL, NULL) == 0);
	MUST(write(fds[1], "x", 1) == 1);
	if (strcmp(kind, "away") == 0)
		execve("/bin/sleep", argv, no_env);
	if (strcmp(kind, "stopped") == 0)
		(void)raise(SIGSTOP);
	for (;;)
		(void)pause();
}

static const char *const left_kinds[] = { "away", "stopped", "tracing" };

START_TEST(what_a_command_left_is_gone)
{
	int64_t begin = clock_mono();
	char *file = path_join(dir, "lock");

	scope.reaps = true;
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	ck_assert_msg(RUN("/proc/self/exe", "--leave", left_kinds[_i], file) == 0, "%s", err.text);
	ck_assert_int_eq(outcome.status, 5);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(flock(open(file, O_RDWR | O_CLOEXEC), LOCK_EX | LOCK_NB), 0);
	ck_assert_int_lt(clock_mono() - begin, 4000);
	free(file);
}
END_TEST

/* Exit status: 0 when the command failed because of the process. */
static int
beside_a_stranger(void)
{
	char words[64];
	int fds[2];
	pid_t stranger;

	MUST(pipe(fds) == 0 && (stranger = fork()) != -1);
	if (stranger == 0) {
		close(fds[1]);
		_exit(read(fds[0], words, 1) == 0 ? 0 : 1);
	}
	MUST(setresuid(65534, 65534, 65534) == 0);
	snprintf(words, sizeof words, "left process %d (", (int)stranger);
	return RUN("true") == -1 && err.code == DROVER_INTERNAL &&
		strstr(err.text, words) != NULL && strstr(err.text, "cannot end") != NULL ?
	    0 :
	    1;
}

START_TEST(what_cannot_be_ended_fails_the_command)
{
	int status;
	pid_t pid;

	if (geteuid() != 0)
		return;
	scope.reaps = true;
	ck_assert_int_eq(chmod(dir, 0777), 0);
	if ((pid = fork()) == 0)
		_exit(beside_a_stranger());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(a_plugin_calls_it_with_its_own_structs)
{
	const char *const argv[] = { "sh", "-c", "echo hello; exit 4", NULL };
	struct drover_command command = { .size = sizeof command, .argv = argv, .cwd = dir };
	struct drover_outcome out = { .size = sizeof out };
	struct drover_error error;

	ck_assert_int_eq(host_exec.run(&scope.public, &command, &out, &error), 0);
	ck_assert_int_eq(out.status, 4);
	ck_assert_str_eq(out.tail, "hello\n");
	command.cwd = NULL;
	ck_assert_int_eq(host_exec.run(&scope.public, &command, &out, &error), DROVER_PERMANENT);
	command.size = 8;
	ck_assert_int_eq(host_exec.run(&scope.public, &command, &out, &error), DROVER_PERMANENT);
	ck_assert_ptr_nonnull(strstr(error.text, "drover_command"));
}
END_TEST

static void
line_keep(void *arg, const char *line, size_t len)
{
	(void)arg;
	if (lines.len == 0)
		buf_addc(&lines, '|');
	buf_add(&lines, line, len);
	buf_addc(&lines, '|');
}

static int
run(const char *const *argv)
{
	return run_command(argv, (struct drover_command){ .size = sizeof(struct drover_command) });
}

static int
run_command(const char *const *argv, struct drover_command command)
{
	command.argv = argv;
	if (command.cwd == NULL)
		command.cwd = dir;
	if (command.line == NULL)
		command.line = line_keep;
	buf_clear(&lines);
	err = (struct error){ .code = 0 };
	return exec_run(&scope, &command, &outcome, &err);
}

static const char *
output_text(void)
{
	static struct buf text;

	buf_clear(&text);
	ck_assert_int_eq(path_read(output, 1 << 21, &text, &err), 0);
	return buf_str(&text);
}

static pid_t
number_in(const char *text, const char *after)
{
	const char *at = strstr(text, after);

	ck_assert_ptr_nonnull(at);
	return (pid_t)strtol(at + strlen(after), NULL, 10);
}

/*
 * This program as a command: prints its descriptors instead of running tests.
 */
__attribute__((constructor)) static void
print_descriptors(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "--leave") == 0)
		leave(argv[2], argv[3]);
	if (argc != 2 || strcmp(argv[1], "--descriptors") != 0)
		return;
	for (int fd = 0; fd < 4096; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			printf("%d ", fd);
	}
	exit(0);
}

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "command", setup, teardown);

	tcase_add_test(tc, the_environment_is_built_from_nothing);
	tcase_add_test(tc, caches_are_shared_by_the_jobs_of_a_repo);
	tcase_add_test(tc, a_bad_assignment_is_refused);
	tcase_add_test(tc, temporary_files_have_a_folder_that_ends_with_the_scope);
	tcase_add_test(tc, a_worker_has_one_folder_for_temporary_files);
	tcase_add_test(tc, three_descriptors_and_no_more);
	tcase_add_test(tc, signals_are_as_at_birth);
	tcase_add_test(tc, it_has_a_group_of_its_own_and_its_folder);
	tcase_add_test(tc, a_missing_program_is_named_with_its_path);
	tcase_add_test(tc, the_commands_own_path_is_searched_and_only_absolute_folders);
	tcase_add_test(tc, what_cannot_run_says_why);
	tcase_add_test(tc, all_output_is_kept_and_stdout_handed_on);
	tcase_add_test(tc, the_file_of_the_output_comes_with_its_first_byte);
	tcase_add_test(tc, output_is_cut_once_and_says_so);
	tcase_add_test(tc, output_that_just_fits_is_whole);
	tcase_add_test(tc, the_tail_is_the_end_of_it);
	tcase_add_test(tc, long_lines_come_in_pieces);
	tcase_add_test(tc, a_gigabyte_without_a_newline_takes_no_memory);
	tcase_add_test(tc, input_and_output_of_any_size_do_not_lock);
	tcase_add_test(tc, without_input_there_is_an_end_at_once);
	tcase_add_test(tc, a_signal_is_told);
	tcase_add_test(tc, cpu_time_is_counted);
	tcase_add_test(tc, time_out_asks_first);
	tcase_add_test(tc, who_does_not_listen_is_killed);
	tcase_add_test(tc, the_scopes_deadline_holds);
	tcase_add_test(tc, cancelled_is_stopped);
	tcase_add_test(tc, its_group_ends_with_it);
	tcase_add_test(tc, who_escapes_holds_nobody_up);
	tcase_add_loop_test(tc, what_a_command_left_is_gone, 0, (int)ARRAY_LEN(left_kinds));
	tcase_add_test(tc, what_cannot_be_ended_fails_the_command);
	tcase_add_test(tc, a_plugin_calls_it_with_its_own_structs);
}

SUITE(cases)
