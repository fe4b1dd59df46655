/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugin that `drover plugin new` begins with does what its comments say.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_host.h"
#include "suite.h"

static struct fake *fake;
static const struct drover_plugin *plugin;
static struct drover_error err;
static char path[256];

static void
setup(void)
{
	const char *tmp = getenv("TMPDIR");
	int fd;

	snprintf(path, sizeof(path), "%s/drover-lines-XXXXXX", tmp != NULL ? tmp : "/tmp");
	ck_assert_int_ne(fd = mkstemp(path), -1);
	close(fd);
	fake = fake_new();
	fake_option(fake, "path", path);
	plugin = fake_load("example");
}

static void
teardown(void)
{
	unlink(path);
	fake_free(fake);
}

static void
append(const char *text)
{
	FILE *out = fopen(path, "ae");

	ck_assert_ptr_nonnull(out);
	fputs(text, out);
	ck_assert_int_eq(fclose(out), 0);
}

static int
poll_lines(void)
{
	return fake_poll(fake, plugin->sources[0], NULL, &err);
}

START_TEST(each_line_is_one_job)
{
	append("one\ntwo\nthr");
	ck_assert_int_eq(poll_lines(), 0);
	ck_assert_int_eq(fake->njobs, 2);
	ck_assert_str_eq(fake->jobs[0].item.payload, "one\n");
	ck_assert_str_eq(fake->jobs[1].item.payload, "two\n");
	ck_assert_int_eq(poll_lines(), 0);
	ck_assert_int_eq(fake->njobs, 2);
	append("ee\n");
	ck_assert_int_eq(poll_lines(), 0);
	ck_assert_int_eq(fake->njobs, 3);
	ck_assert_str_eq(fake->jobs[2].item.payload, "three\n");
}
END_TEST

START_TEST(capacity_is_kept_to)
{
	append("1\n2\n3\n4\n5\n");
	fake->available = 2;
	ck_assert_int_eq(poll_lines(), 0);
	ck_assert_int_eq(fake->njobs, 2);
	fake->available = 0;
	ck_assert_int_eq(poll_lines(), 0);
	fake->available = 10;
	ck_assert_int_eq(poll_lines(), 0);
	ck_assert_int_eq(fake->njobs, 5);
}
END_TEST

START_TEST(a_new_file_begins_at_its_start)
{
	append("1\n2\n");
	ck_assert_int_eq(poll_lines(), 0);
	ck_assert_int_eq(truncate(path, 0), 0);
	append("3\n");
	ck_assert_int_eq(poll_lines(), 0);
	ck_assert_str_eq(fake->emitted[0].payload, "3\n");
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(poll_lines(), DROVER_CONFIG);
}
END_TEST

START_TEST(the_command_reads_the_line)
{
	struct drover_job job = { .size = sizeof(job),
		.attempt = 1,
		.kind = "example.line",
		.key = "k",
		.trace = "t",
		.title = "",
		.repo = "",
		.agent = "",
		.payload = "one\n",
		.payload_len = 4 };

	fake_option(fake, "command", "sha256sum");
	ck_assert_int_eq(plugin->pipelines[0]->run(&fake->scope, NULL, &job, &err), 0);
	ck_assert_str_eq(fake->argv, "[sha256sum]");
	ck_assert_str_eq(fake->input, "one\n");
	ck_assert_str_eq(fake_result(fake, "command"), "sha256sum");
	fake->outcome.status = 1;
	ck_assert_int_eq(plugin->pipelines[0]->run(&fake->scope, NULL, &job, &err),
	    DROVER_INTERNAL);
	ck_assert_str_eq(err.text, "sha256sum failed");
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *t = suite_case(suite, "example", setup, teardown);

	tcase_add_test(t, each_line_is_one_job);
	tcase_add_test(t, capacity_is_kept_to);
	tcase_add_test(t, a_new_file_begins_at_its_start);
	tcase_add_test(t, the_command_reads_the_line);
}

SUITE(cases)
