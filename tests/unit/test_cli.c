/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drover as its users see it: arguments in, streams and an exit status out,
 * against a real API in a process beside it.
 */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/run.h"
#include "stub_daemon.h"
#include "suite.h"
#include "temp.h"

static char *out, *err, *socket_path, *server_dir;
static pid_t server;

/* Runs drover with words split at blanks; out and err hold what it said. */
static int
drover(const char *line)
{
	struct buf whole = BUF_INIT;
	size_t out_len, err_len;
	FILE *o, *e;
	char **argv;
	int argc = 0, status;

	free(out);
	free(err);
	out = err = NULL;
	o = open_memstream(&out, &out_len);
	e = open_memstream(&err, &err_len);
	buf_addf(&whole, "drover %s", line);
	argv = cli_words(buf_str(&whole));
	while (argv[argc] != NULL)
		argc++;
	status = cli_main(argc, argv, o, e);
	fclose(o);
	fclose(e);
	free_strings(argv);
	buf_free(&whole);
	return status;
}

static void
serve(int ready)
{
	struct stub *stub = stub_open();
	static const char hostile[] = "\033]0;owned\007 <b>\r\n\tend \xe2\x80\xaegpj.exe";
	struct job_outcome outcome = { 0 };
	struct error e = { 0 };
	struct job *job;

	error_set(&outcome.error, DROVER_PERMANENT, "%s", hostile);
	stub_job(stub, "first", "Fix the login page");
	stub_job(stub, "second", hostile);
	job = stub_claim(stub);
	stub_output(stub, job->id, 1, "begin\n\033[31mred\n");
	ck_assert(queue_finish(stub->core.queue, job->id, job->epoch, &outcome, &e) == 0);
	ck_assert(store_commit(stub->core.store, &e) == 0);
	ck_assert(dprintf(ready, "%s\n", stub->dir) > 0);
	close(ready);
	for (;;)
		stub_turn(stub);
}

static void
setup(void)
{
	char line[512];
	int fds[2];
	FILE *f;

	signal(SIGPIPE, SIG_IGN);
	ck_assert(pipe(fds) == 0);
	if ((server = fork()) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(fds[0]);
		serve(fds[1]);
		_exit(1);
	}
	close(fds[1]);
	f = fdopen(fds[0], "r");
	ck_assert(fgets(line, sizeof line, f) != NULL);
	fclose(f);
	line[strcspn(line, "\n")] = '\0';
	server_dir = xstrdup(line);
	socket_path = path_join(line, "s");
	setenv("DROVER_SOCKET", socket_path, 1);
}

static void
teardown(void)
{
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	temp_remove(server_dir);
	free(socket_path);
	free(out);
	free(err);
	out = err = NULL;
}

static const struct {
	const char *line;
	int status;
	const char *says;
} usages[] = {
	{ "", CLI_USAGE, "a command is needed" },
	{ "dance", CLI_USAGE, "there is no command `dance`" },
	{ "lease", CLI_USAGE, "needs one of its commands" },
	{ "lease dance", CLI_USAGE, "needs one of its commands" },
	{ "show", CLI_USAGE, "JOB is missing" },
	{ "show 1 2", CLI_USAGE, "one argument too many" },
	{ "show --what 1", CLI_USAGE, "unknown option" },
	{ "list --limit", CLI_USAGE, "needs an argument" },
	{ "show --follow 1", CLI_USAGE, "unknown option" },
	{ "submit stub.work --priority 1000", CLI_USAGE, "from -100 to 100" },
	{ "priority 1 high", CLI_USAGE, "from -100 to 100" },
	{ "pause --for soon", CLI_USAGE, "such as 30m" },
	{ "call stub.wait {", CLI_USAGE, "JSON" },
	{ "completion csh", CLI_USAGE, "bash, zsh or fish" },
	{ "dead retry", CLI_USAGE, "--all" },
	{ "run x.md", CLI_USAGE, "--agent" },
	{ "run --agent codex /nothing.md", CLI_USAGE, "/nothing.md" },
	{ "run --agent codex --parallel 0 x.md", CLI_USAGE, "from 1 to 64" },
};

START_TEST(wrong_usage_is_status_3)
{
	ck_assert_int_eq(drover(usages[_i].line), usages[_i].status);
	ck_assert_msg(strstr(err, usages[_i].says) != NULL, "%s", err);
	ck_assert_str_eq(out, "");
}
END_TEST

START_TEST(help_is_asked_for)
{
	for (size_t i = 0; i < cli_commands_len; i++) {
		char line[64];

		snprintf(line, sizeof line, "%s --help", cli_commands[i].name);
		ck_assert_int_eq(drover(line), CLI_OK);
		ck_assert_msg(strstr(out, cli_commands[i].summary) != NULL, "%s", out);
		snprintf(line, sizeof line, "help %s", cli_commands[i].name);
		ck_assert_int_eq(drover(line), CLI_OK);
		ck_assert_msg(strstr(out, cli_commands[i].summary) != NULL, "%s", out);
	}
	ck_assert_int_eq(drover("help"), CLI_OK);
	ck_assert_int_eq(drover("--help"), CLI_OK);
	ck_assert_int_eq(drover("completion bash"), CLI_OK);
	ck_assert(strstr(out, "lease) words='list show release break gc'") != NULL);
	ck_assert_int_eq(drover("completion zsh"), CLI_OK);
	ck_assert_ptr_nonnull(strstr(out, "bashcompinit"));
	ck_assert_int_eq(drover("completion fish"), CLI_OK);
	ck_assert_ptr_nonnull(
	    strstr(out, "__fish_seen_subcommand_from lease' -f -a 'list show release break gc'"));
	ck_assert_int_eq(drover("version"), CLI_OK);
}
END_TEST

START_TEST(no_line_of_help_is_wider_than_80)
{
	char *line;

	ck_assert_int_eq(drover("help"), CLI_OK);
	for (char *s = out; (line = strsep(&s, "\n")) != NULL;)
		ck_assert_msg(strlen(line) <= 80, "%s", line);
}
END_TEST

/* man/drover.1 has an item for each command and option. */
START_TEST(commands_are_in_the_manual)
{
#define X(id, letter, name, arg, help) "Fl Fl " name,
	static const char *const options[] = { CLI_OPTIONS(X) };
#undef X
	const char *tree = getenv("srcdir");
	char *path = path_join(tree != NULL ? tree : ".", "man/drover.1"), item[64];
	struct buf file = BUF_INIT;
	struct error e = { 0 };

	ck_assert_msg(path_read(path, 1 << 20, &file, &e) == 0, "%s", e.text);
	for (size_t i = 0; i < cli_commands_len; i++) {
		const char *name = cli_commands[i].name, *space = strchr(name, ' ');
		int first = space != NULL ? (int)(space - name) : (int)strlen(name);

		snprintf(item, sizeof item, "\n.It Nm Cm %.*s%s%s", first, name,
		    space != NULL ? " Cm " : "", space != NULL ? space + 1 : "");
		ck_assert_msg(strstr(buf_str(&file), item) != NULL, "man/drover.1 has no %s", item);
	}
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		ck_assert_msg(strstr(buf_str(&file), options[i]) != NULL, "man/drover.1 has no %s",
		    options[i]);
	buf_free(&file);
	free(path);
}
END_TEST

START_TEST(words_are_split_without_a_shell)
{
	static const struct {
		const char *line;
		int n;
		const char *words[4];
	} cases[] = {
		{ "", 0, { NULL } },
		{ "  a  b ", 2, { "a", "b" } },
		{ "'a b' \"c d\"e", 2, { "a b", "c de" } },
		{ "a\\ b '\\' \"\\\"\"", 3, { "a b", "\\", "\"" } },
		{ "$(x) `y` *", 3, { "$(x)", "`y`", "*" } },
		{ "''", 1, { "" } },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char **words = cli_words(cases[i].line);
		int n = 0;

		ck_assert(words != NULL);
		for (; words[n] != NULL; n++)
			ck_assert_str_eq(words[n], cases[i].words[n]);
		ck_assert_int_eq(n, cases[i].n);
		free_strings(words);
	}
	ck_assert(cli_words("a 'b") == NULL);
	ck_assert(cli_words("\"") == NULL);
}
END_TEST

/* As in `drover run`, which blocks the signals that it waits for. */
START_TEST(captured_programs_have_default_signals)
{
	static const char *const argv[] = { "grep", "^SigBlk", "/proc/self/status", NULL };
	struct buf said = BUF_INIT;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	ck_assert_int_eq(cli_capture(argv, true, &said), 0);
	ck_assert_str_eq(buf_str(&said), "SigBlk:\t0000000000000000\n");
	buf_free(&said);
}
END_TEST

START_TEST(answers_become_exit_statuses)
{
	static const struct {
		int status;
		const char *code;
		int exit;
	} cases[] = {
		{ 200, "", CLI_OK },
		{ 202, "", CLI_OK },
		{ 404, "not_found", CLI_NOT_FOUND },
		{ 409, "refused", CLI_REFUSED },
		{ 409, "conflict", CLI_CONFLICT },
		{ 403, "forbidden", CLI_REFUSED },
		{ 422, "invalid", CLI_USAGE },
		{ 500, "internal", CLI_FAILED },
		{ 507, "disk_full", CLI_FAILED },
		{ 503, "unavailable", CLI_FAILED },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		ck_assert_int_eq(cli_exit_of(cases[i].status, cases[i].code), cases[i].exit);
}
END_TEST

START_TEST(tables_fit_and_stay_aligned)
{
	static const struct table_column columns[] = { { "N", true, false },
		{ "WHAT", false, true }, { "END", false, false } };
	struct table *t = table_new(columns, 3);
	char *text, *line;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	int first = -1;

	setlocale(LC_CTYPE, "C.UTF-8");
	table_add_int(t, 7);
	table_add(t,
	    "\033[2Jwide \xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e text that goes on and on and on and "
	    "on and on and on and on\nand on");
	table_add(t, "x");
	table_add_int(t, 1234);
	table_add(t, NULL);
	table_add(t, "x");
	table_print(t, f, 80, true, false);
	fclose(f);
	ck_assert(strchr(text, '\033') == NULL);
	ck_assert(strstr(text, "\\x1b[2J") != NULL);
	for (char *s = text; (line = strsep(&s, "\n")) != NULL && *line != '\0';) {
		char *end = strrchr(line, 'x');

		ck_assert_int_le(text_width(line), 80);
		*end = '\0';
		ck_assert(first == -1 || text_width(line) == first);
		first = text_width(line);
	}
	ck_assert_int_eq(table_rows(t), 2);
	table_free(t);
	free(text);
}
END_TEST

START_TEST(no_daemon_is_status_6)
{
	setenv("DROVER_SOCKET", "/nonexistent/drover.sock", 1);
	ck_assert_int_eq(drover("list"), CLI_DOWN);
	ck_assert_msg(strstr(err, "no daemon at /nonexistent/drover.sock: start one") != NULL, "%s",
	    err);
}
END_TEST

START_TEST(jobs_are_listed_and_shown_safely)
{
	ck_assert_int_eq(drover("list"), CLI_OK);
	ck_assert(strstr(out, "Fix the login page") != NULL);
	ck_assert(strstr(out, "\\x1b]0;owned\\x07") != NULL);
	ck_assert(strchr(out, '\033') == NULL && strstr(out, "\xe2\x80\xae") == NULL);
	ck_assert(strstr(out, "<b> end \\u{202e}gpj.exe") != NULL);
	ck_assert_int_eq(drover("show stub.work/first"), CLI_OK);
	ck_assert(strstr(out, "dead") != NULL);
	ck_assert(strchr(out, '\033') == NULL);
	ck_assert(strstr(out, "<b> end ") != NULL && strstr(out, "\\x0a") == NULL);
	ck_assert_int_eq(drover("list --state dead --json"), CLI_OK);
	ck_assert(strncmp(out, "{\"jobs\":[{\"id\":1,", 17) == 0);
	ck_assert(strstr(out, "<b>\\r\\n\\tend ") != NULL);
	ck_assert_int_eq(drover("dead list"), CLI_OK);
	ck_assert(strstr(out, "stub.work") != NULL);
	ck_assert_int_eq(drover("list --state asleep"), CLI_USAGE);
	ck_assert_int_eq(drover("why 2"), CLI_OK);
	ck_assert_int_eq(drover("show 99"), CLI_NOT_FOUND);
	ck_assert(strchr(err, '\033') == NULL);
}
END_TEST

START_TEST(jobs_are_submitted_and_changed)
{
	ck_assert_int_eq(drover("submit stub.work --key third --payload '{\"a\": 1}' --title T "
				"--hold"),
	    CLI_OK);
	ck_assert_str_eq(out, "3\n");
	ck_assert_int_eq(drover("submit stub.work --key third"), CLI_OK);
	ck_assert(strstr(err, "exists already") != NULL);
	ck_assert_int_eq(drover("submit stub.work --key third --new"), CLI_CONFLICT);
	ck_assert_int_eq(drover("release 3"), CLI_OK);
	ck_assert_int_eq(drover("release 3"), CLI_REFUSED);
	ck_assert_int_eq(drover("cancel 2 99"), CLI_PARTIAL);
	ck_assert_int_eq(drover("cancel 99 98"), CLI_NOT_FOUND);
	ck_assert_int_eq(drover("priority stub.work/third -5"), CLI_OK);
	ck_assert_int_eq(drover("dead retry --kind stub.work"), CLI_OK);
	ck_assert_ptr_nonnull(strstr(err, "1 job is queued again"));
	ck_assert_int_eq(drover("lease break 4"), CLI_CONFLICT);
	ck_assert_int_eq(drover("lease break 4 --force"), CLI_OK);
}
END_TEST

START_TEST(everything_is_listed)
{
	static const char *const lines[] = { "lease list", "lease show 4", "source list",
		"source poll", "source poll stub.folder", "source refused",
		"source refused stub.folder", "source refused --limit 3 --json", "memory list",
		"memory list stub", "plugin list", "plugin info stub", "repo list", "agent list",
		"worker list", "status", "pause", "resume", "drain", "undrain", "reload",
		"call stub.text", "lease gc", "pause kind/stub.work --for 30m --why x" };

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		ck_assert_msg(drover(lines[i]) == CLI_OK, "%s: %s", lines[i], err);
		ck_assert_msg(*out != '\0' || *err != '\0', "%s says nothing", lines[i]);
	}
	ck_assert_int_eq(drover("lease show 4"), CLI_OK);
	ck_assert_ptr_null(strstr(out, "_at"));
	ck_assert_int_eq(drover("plugin info other"), CLI_NOT_FOUND);
	ck_assert_int_eq(drover("memory show stub nothing"), CLI_NOT_FOUND);
	ck_assert_int_eq(drover("memory forget stub nothing"), CLI_NOT_FOUND);
	ck_assert_int_eq(drover("pause kind/stub.wrok"), CLI_USAGE);
	ck_assert_ptr_nonnull(strstr(err, "did you mean kind/stub.work?"));
	ck_assert_int_eq(drover("call stub.refuse"), CLI_FAILED);
}
END_TEST

START_TEST(output_and_events_are_streamed)
{
	ck_assert_int_eq(drover("logs 1"), CLI_OK);
	ck_assert_str_eq(out, "begin\n\033[31mred\n");
	ck_assert_int_eq(drover("logs 1 --offset 6 --follow"), CLI_OK);
	ck_assert_str_eq(out, "\033[31mred\n");
	ck_assert_int_eq(drover("logs 2"), CLI_NOT_FOUND);
	ck_assert_int_eq(drover("events"), CLI_OK);
	ck_assert(strstr(out, "\"event\":\"claim\"") != NULL);
	ck_assert_int_eq(drover("events --after-event 1000"), CLI_OK);
	ck_assert_str_eq(out, "");
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *t = suite_case(suite, "alone", NULL, NULL);

	tcase_add_loop_test(t, wrong_usage_is_status_3, 0, (int)ARRAY_LEN(usages));
	tcase_add_test(t, help_is_asked_for);
	tcase_add_test(t, no_line_of_help_is_wider_than_80);
	tcase_add_test(t, commands_are_in_the_manual);
	tcase_add_test(t, words_are_split_without_a_shell);
	tcase_add_test(t, captured_programs_have_default_signals);
	tcase_add_test(t, answers_become_exit_statuses);
	tcase_add_test(t, tables_fit_and_stay_aligned);
	tcase_add_test(t, no_daemon_is_status_6);
	t = suite_case(suite, "served", setup, teardown);
	tcase_add_test(t, jobs_are_listed_and_shown_safely);
	tcase_add_test(t, jobs_are_submitted_and_changed);
	tcase_add_test(t, everything_is_listed);
	tcase_add_test(t, output_and_events_are_streamed);
	unsetenv("DROVER_SOCKET");
}

SUITE(cases)
