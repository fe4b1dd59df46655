/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the loader takes and what it refuses: files by who could have written
 * them, descriptors by what they say.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "run/crash.h"
#include "load/loader.h"
#include "temp.h"
#include "suite.h"

static char *temp, *plugins;     /* a trusted folder of plugins in a temporary one */

static void
setup(void)
{
	struct error err;

	temp = temp_make();
	plugins = path_join(temp, "plugins");
	ck_assert_int_eq(path_mkdirs(plugins, 0755, &err), 0);
}

static void
teardown(void)
{
	free(plugins);
	temp_remove(temp);
}

/* Puts a fixture into plugins under a name; the caller frees the path. */
static char *
put(const char *fixture, const char *name)
{
	char *from = xasprintf(BUILD_DIR "/tests/fixtures/plugins/.libs/%s.so", fixture),
	     *to = xasprintf("%s/%s.so", plugins, name);
	struct buf bytes = BUF_INIT;
	struct error err;

	ck_assert_msg(path_read(from, 16 << 20, &bytes, &err) == 0, "%s", err.text);
	ck_assert_msg(path_write(to, bytes.data, bytes.len, 0644, &err) == 0, "%s", err.text);
	buf_free(&bytes);
	free(from);
	return to;
}

static void
refused_from(char *const *dirs, const char *name, const char *why)
{
	struct plugin_image image;
	struct error err = { 0 };

	ck_assert_int_eq(loader_open(dirs, name, &image, &err), -1);
	ck_assert_int_eq(err.code, DROVER_CONFIG);
	ck_assert_msg(strstr(err.text, why) != NULL, "\"%s\" does not say \"%s\"", err.text, why);
	ck_assert_ptr_null(strchr(err.text, '\n'));
	ck_assert_ptr_null(image.sources);
}

static void
refused(const char *name, const char *why)
{
	char *dirs[] = { plugins, NULL };

	refused_from(dirs, name, why);
}

START_TEST(a_good_plugin_loads)
{
	char *dirs[] = { plugins, NULL }, *path = put("good", "good");
	struct plugin_image image;
	struct error err = { 0 };

	ck_assert_msg(loader_open(dirs, "good", &image, &err) == 0, "%s", err.text);
	ck_assert_str_eq(image.path, path);
	ck_assert_str_eq(image.plugin.name, "good");
	ck_assert_int_eq(image.sources_len, 1);
	ck_assert_str_eq(image.sources[0].name, "ticket");
	ck_assert_ptr_null(image.sources[0].settle);
	ck_assert_int_eq(image.pipelines_len, 1);
	ck_assert_int_eq(image.pipelines[0].retries, 2);
	ck_assert_int_eq(image.operations_len, 1);
	loader_free(&image);
	free(path);
}
END_TEST

START_TEST(two_plugins_are_two)
{
	char *dirs[] = { plugins, NULL }, *good = put("good", "good"),
	     *hostile = put("hostile", "hostile");
	struct plugin_image one, two;
	struct error err = { 0 };

	ck_assert_int_eq(loader_open(dirs, "good", &one, &err), 0);
	loader_free(&one);
	ck_assert_msg(loader_open(dirs, "hostile", &two, &err) == 0, "%s", err.text);
	ck_assert_str_eq(two.plugin.name, "hostile");
	loader_free(&two);
	free(good);
	free(hostile);
}
END_TEST

START_TEST(the_first_folder_wins_and_missing_ones_are_passed)
{
	char *first = path_join(temp, "none"), *path = put("good", "good");
	char *dirs[] = { first, plugins, NULL }, *none[] = { first, NULL };
	struct plugin_image image;
	struct error err = { 0 };

	ck_assert_msg(loader_open(dirs, "good", &image, &err) == 0, "%s", err.text);
	loader_free(&image);
	refused_from(none, "good", "there is no good.so in ");
	refused_from(NULL, "good", "plugin_dirs is empty");
	refused("absent", "there is no absent.so in ");
	free(first);
	free(path);
}
END_TEST

START_TEST(names_are_no_paths)
{
	refused("../good", "names have");
	refused("/tmp/good", "names have");
	refused("Good", "names have");
	refused("", "names have");
	refused(".", "names have");
	refused("good.so", "names have");
}
END_TEST

START_TEST(relative_folders_are_refused)
{
	char relative[] = ".", *dirs[] = { relative, NULL };

	refused_from(dirs, "good", "must be absolute");
}
END_TEST

START_TEST(what_others_can_write_is_refused)
{
	char *path = put("good", "good");

	ck_assert_int_eq(chmod(path, 0664), 0);
	refused("good", "can be written by its group or by others");
	ck_assert_int_eq(chmod(path, 0646), 0);
	refused("good", "can be written by its group or by others");
	ck_assert_int_eq(chmod(path, 0644), 0);
	ck_assert_int_eq(chmod(plugins, 0775), 0);
	refused("good", "can be written by its group or by others");
	ck_assert_int_eq(chmod(plugins, 01777), 0);
	refused("good", "can be written by its group or by others");
	ck_assert_int_eq(chmod(plugins, 0755), 0);
	ck_assert_int_eq(chmod(temp, 0777), 0);
	refused("good", "can be written by its group or by others");
	ck_assert_int_eq(chmod(temp, 0700), 0);
	free(path);
}
END_TEST

START_TEST(what_others_own_is_refused)
{
	char *path;

	if (geteuid() != 0)
		return;
	path = put("good", "good");
	ck_assert_int_eq(chown(path, 12345, 0), 0);
	refused("good", "belongs to user 12345");
	ck_assert_int_eq(chown(path, 0, 0), 0);
	ck_assert_int_eq(chown(plugins, 12345, 0), 0);
	refused("good", "belongs to user 12345");
	ck_assert_int_eq(chown(plugins, 0, 0), 0);
	ck_assert_int_eq(chown(temp, 12345, 0), 0);
	refused("good", "belongs to user 12345");
	free(path);
}
END_TEST

START_TEST(a_link_to_a_file_is_refused_and_one_to_a_folder_followed)
{
	char *path = put("good", "good"), *link = path_join(plugins, "linked.so"),
	     *dir = path_join(temp, "way");
	char *dirs[] = { dir, NULL };
	struct plugin_image image;
	struct error err = { 0 };

	ck_assert_int_eq(symlink(path, link), 0);
	refused("linked", "is a symbolic link");
	ck_assert_int_eq(symlink(plugins, dir), 0);
	ck_assert_msg(loader_open(dirs, "good", &image, &err) == 0, "%s", err.text);
	loader_free(&image);
	ck_assert_int_eq(chmod(plugins, 0777), 0);
	refused_from(dirs, "good", "can be written by its group or by others");
	if (geteuid() == 0) {
		ck_assert_int_eq(chmod(plugins, 0755), 0);
		ck_assert_int_eq(lchown(dir, 12345, 0), 0);
		refused_from(dirs, "good", "belongs to user 12345");
	}
	free(path);
	free(link);
	free(dir);
}
END_TEST

START_TEST(what_is_no_file_or_no_library_is_refused)
{
	char *dir = path_join(plugins, "folder.so"), *fifo = path_join(plugins, "fifo.so"),
	     *text = temp_file(plugins, "text.so", "hello");

	ck_assert_int_eq(mkdir(dir, 0755), 0);
	refused("folder", "not a regular file");
	ck_assert_int_eq(mkfifo(fifo, 0644), 0);
	refused("fifo", "not a regular file");
	ck_assert_int_eq(chmod(text, 0644), 0);
	refused("text", "cannot be loaded");
	free(dir);
	free(fifo);
	free(text);
}
END_TEST

START_TEST(libraries_that_are_no_plugin_for_us_are_refused)
{
	free(put("nosymbol", "nosymbol"));
	free(put("future", "future"));
	free(put("needs", "needs"));
	free(put("good", "renamed"));
	refused("nosymbol", "does not export drover_plugin_v1");
	refused("future", "speaks ABI 2, this drover speaks 1");
	refused("needs", "needs ABI 1.4, this is 1.1");
	refused("renamed", "calls itself \"good\"");
}
END_TEST

START_TEST(a_constructor_that_crashes_says_whose_it_was)
{
	char *dirs[] = { plugins, NULL };
	struct plugin_image image;
	struct error err;
	char words[256] = "";
	int status, fds[2];
	pid_t pid;
	ssize_t n;

	free(put("crashing", "crashing"));
	ck_assert_int_eq(pipe(fds), 0);
	if ((pid = fork()) == 0) {
		(void)dup2(fds[1], STDERR_FILENO);
		crash_install("crashing");
		crash_at("load", "plugin", "crashing");
		(void)loader_open(dirs, "crashing", &image, &err);
		_exit(0);
	}
	close(fds[1]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGSEGV);
	n = read(fds[0], words, sizeof words - 1);
	ck_assert_int_gt((int)n, 0);
	ck_assert_str_eq(words, "plugin crashing: signal 11 in load of plugin crashing\n");
	close(fds[0]);
}
END_TEST

/* ---- descriptors without files ---- */

static int
poll_nothing(struct drover_scope *scope, void *source, const char *cursor, struct drover_error *err)
{
	return 0;
}

static int
run_nothing(struct drover_scope *scope, void *plugin, const struct drover_job *job,
    struct drover_error *err)
{
	return 0;
}

static int
call_nothing(struct drover_scope *scope, void *plugin, const char *request, uint64_t len,
    struct drover_error *err)
{
	return 0;
}

/* A descriptor to spoil: two of each kind. */
struct draft {
	struct drover_plugin plugin;
	struct drover_option options[3];
	struct drover_source source[2];
	struct drover_pipeline pipeline[2];
	struct drover_operation operation[2];
	const struct drover_source *sources[3];
	const struct drover_pipeline *pipelines[3];
	const struct drover_operation *operations[3];
};

static void
draft(struct draft *d)
{
	static const char *const names[] = { "one", "two" };

	memset(d, 0, sizeof *d);
	d->plugin = (struct drover_plugin){ DROVER_PLUGIN_HEADER, .name = "draft", .version = "1",
		.options = d->options, .sources = d->sources, .pipelines = d->pipelines,
		.operations = d->operations };
	d->options[0] =
	    (struct drover_option){ "key", DROVER_STRING, DROVER_SECRET, NULL, "A key." };
	d->options[1] = (struct drover_option){ "many", DROVER_LIST, 0, NULL, "Many." };
	for (int i = 0; i < 2; i++) {
		d->source[i] = (struct drover_source){ .size = sizeof d->source[i],
			.name = names[i],
			.poll = poll_nothing };
		d->pipeline[i] = (struct drover_pipeline){ .size = sizeof d->pipeline[i],
			.name = names[i],
			.run = run_nothing };
		d->operation[i] = (struct drover_operation){ .size = sizeof d->operation[i],
			.name = names[i],
			.call = call_nothing };
		d->sources[i] = &d->source[i];
		d->pipelines[i] = &d->pipeline[i];
		d->operations[i] = &d->operation[i];
	}
}

#define REFUSES(spoil, why) \
	do { \
		struct draft d; \
		struct error err_ = { 0 }; \
		draft(&d); \
		ck_assert_msg(descriptor_check(&d.plugin, "draft", &err_) == 0, "%s", err_.text); \
		spoil; \
		ck_assert_msg(descriptor_check(&d.plugin, "draft", &err_) == -1, "%s was taken", \
		    #spoil); \
		ck_assert_int_eq(err_.code, DROVER_CONFIG); \
		ck_assert_msg(strstr(err_.text, why) != NULL, "\"%s\" does not say \"%s\"", \
		    err_.text, why); \
	} while (0)

START_TEST(headers_are_checked)
{
	REFUSES(d.plugin.magic = 0, "DROVER_PLUGIN_HEADER");
	REFUSES(d.plugin.major = 2, "speaks ABI 2, this drover speaks 1");
	REFUSES(d.plugin.size = 87, "has 87 bytes, ABI 1.0 has 88");
	REFUSES(d.plugin.size = 0, "has 0 bytes");
	REFUSES(d.plugin.needs_minor = 4, "needs ABI 1.4, this is 1.1");
	REFUSES(d.plugin.name = NULL, "calls itself \"\"");
	REFUSES(d.plugin.name = "other", "calls itself \"other\"");
	REFUSES(d.plugin.version = NULL, "declares no version");
}
END_TEST

START_TEST(a_newer_minor_is_taken)
{
	struct { struct draft d; char more[64]; } new;
	struct error err;

	draft(&new.d);
	new.d.plugin.minor = 7;
	new.d.plugin.size = sizeof new.d.plugin + 64;
	new.d.source[0].size += 64;
	ck_assert_int_eq(descriptor_check(&new.d.plugin, "draft", &err), 0);
}
END_TEST

START_TEST(nested_tables_are_checked)
{
	REFUSES(d.source[1].size = 71, "source number 2 has 71 bytes, ABI 1.0 has 72");
	REFUSES(d.pipeline[0].size = 63, "pipeline number 1 has 63 bytes, ABI 1.0 has 64");
	REFUSES(d.operation[1].size = 39, "operation number 2 has 39 bytes, ABI 1.0 has 40");
	REFUSES(d.source[0].name = NULL, "source number 1 is called \"\"");
	REFUSES(d.source[0].name = "UP", "is called \"UP\"");
	REFUSES(d.pipeline[0].name = "a_b", "is called \"a_b\"");
	REFUSES(d.operation[0].name = "a.b", "is called \"a.b\"");
	REFUSES(d.source[0].poll = NULL, "source draft.one has no poll()");
	REFUSES(d.pipeline[1].run = NULL, "pipeline draft.two has no run()");
	REFUSES(d.operation[0].call = NULL, "operation draft.one has no call()");
	REFUSES(d.source[1].name = "one", "source draft.one is declared twice");
	REFUSES(d.pipeline[1].name = "one", "pipeline draft.one is declared twice");
	REFUSES(d.operation[1].name = "one", "operation draft.one is declared twice");
	REFUSES(d.pipeline[0].retries = 101, "wants 101 retries");
	REFUSES(d.pipeline[0].retries = -1, "wants -1 retries");
	REFUSES(d.pipeline[0].timeout_ms = -1, "draft.one has timeout_ms -1: 0 to ");
	REFUSES(d.source[0].interval_ms = -1, "draft.one has interval_ms -1: 0 to ");
	REFUSES(d.pipeline[0].silence_ms = INT64_MAX,
	    "silence_ms 9223372036854775807: 0 to 315360000000 (10 years)");
	REFUSES(d.pipeline[1].timeout_ms = INT64_C(315360000001), "timeout_ms 315360000001");
	REFUSES(d.source[1].interval_ms = INT64_MAX, "source draft.two has interval_ms 922");
	REFUSES(d.operation[0].timeout_ms = INT64_MAX, "operation draft.one has timeout_ms 922");
	REFUSES(d.operation[1].flags = 0x2, "operation draft.two has flags 0x2");
}
END_TEST

START_TEST(option_tables_are_checked)
{
	REFUSES(d.options[0].type = 7, "option key has type 7");
	REFUSES(d.options[0].type = -1, "option key has type -1");
	REFUSES(d.options[0].flags = 0x8, "option key has flags 0x8");
	REFUSES(d.options[1].flags = DROVER_SECRET, "option many is a secret and must be a string");
	REFUSES(d.options[1].key = "key", "declares option key twice");
	REFUSES(d.options[0].key = "Not good", "an option is called \"Not good\"");
	REFUSES((d.source[0].options = d.options, d.options[0].type = 9, d.plugin.options = NULL),
	    "source draft.one: option key");
	REFUSES((d.pipeline[1].options = d.options, d.options[0].type = 9, d.plugin.options = NULL),
	    "pipeline draft.two: option key");
}
END_TEST

START_TEST(authors_are_checked)
{
	static const char *const good[] = { "owner", "@acme/devs", "permission:write", NULL },
				 *const anybody[] = { "member", "*", NULL };
	static const char *const empty[] = { "", NULL }, *const pattern[] = { "@acme/*", NULL },
				 *const line[] = { "a\nb", NULL };
	static const struct drover_option taken[] = { { "authors", DROVER_LIST, 0, NULL, "Mine." },
		{ NULL, 0, 0, NULL, NULL } };
	struct plugin_image image = { .path = NULL };
	struct error err = { 0 };
	struct draft mine;
	cJSON *json;

	REFUSES(d.source[0].authors = anybody, "which only a configuration may say");
	REFUSES(d.source[1].authors = empty,
	    "source draft.two: its list of authors contains an empty entry");
	REFUSES(d.source[0].authors = pattern, "stands alone");
	REFUSES(d.source[0].authors = line, "control character");
	REFUSES(d.source[0].options = taken,
	    "source draft.one declares the option authors: that key is drover's own");
	draft(&mine);
	mine.source[0].authors = good;
	ck_assert_msg(descriptor_check(&mine.plugin, "draft", &err) == 0, "%s", err.text);
	/*
	 * A plugin of 1.0 has no such member: what lies behind its struct is
	 * not looked at.
	 */
	mine.source[0].authors = anybody;
	mine.source[0].size = offsetof(struct drover_source, authors);
	ck_assert_msg(descriptor_check(&mine.plugin, "draft", &err) == 0, "%s", err.text);

	mine.source[0].authors = good;
	image.plugin = mine.plugin;
	image.sources = mine.source;
	image.sources_len = 2;
	json = loader_describe(&image);
	ck_assert_int_eq(cJSON_GetArraySize(json_get(json, "sources")), 2);
	ck_assert_int_eq(cJSON_GetArraySize(
			     json_get(cJSON_GetArrayItem(json_get(json, "sources"), 0), "authors")),
	    3);
	ck_assert_ptr_null(json_get(cJSON_GetArrayItem(json_get(json, "sources"), 1), "authors"));
	cJSON_Delete(json);
}
END_TEST

START_TEST(prompts_are_checked)
{
	static const char *const good[] = { "ticket", "two_words", NULL },
				 *const bad[] = { "ticket", "a b", NULL };
	struct drover_prompt prompt = { .size = sizeof prompt, .name = "fix", .variables = good };
	const struct drover_prompt *const list[] = { &prompt, NULL };
	struct plugin_image image = { .path = NULL };
	struct draft mine;
	struct error err;
	const cJSON *pipeline;
	cJSON *json;

	REFUSES((prompt.size = 8, d.pipeline[0].prompts = list),
	    "pipeline draft.one: a prompt has 8 bytes, ABI 1.1 has 24");
	prompt.size = sizeof prompt;
	REFUSES((prompt.name = "a_b", d.pipeline[0].prompts = list), "a prompt is called \"a_b\"");
	REFUSES((prompt.name = NULL, d.pipeline[1].prompts = list),
	    "pipeline draft.two: a prompt is called \"\"");
	prompt.name = "fix";
	REFUSES((prompt.variables = bad, d.pipeline[0].prompts = list),
	    "prompt fix has a variable \"a b\"");
	draft(&mine);
	mine.pipeline[0].prompts = list;
	/*
	 * A plugin of 1.0 has no such member: what lies behind its struct is
	 * not looked at.
	 */
	mine.pipeline[0].size = offsetof(struct drover_pipeline, prompts);
	ck_assert_msg(descriptor_check(&mine.plugin, "draft", &err) == 0, "%s", err.text);
	mine.pipeline[0].size = sizeof mine.pipeline[0];
	prompt.variables = good;
	ck_assert_msg(descriptor_check(&mine.plugin, "draft", &err) == 0, "%s", err.text);
	image.plugin = mine.plugin;
	image.pipelines = mine.pipeline;
	image.pipelines_len = 2;
	json = loader_describe(&image);
	pipeline = cJSON_GetArrayItem(json_get(json, "pipelines"), 0);
	ck_assert_str_eq(json_str(cJSON_GetArrayItem(json_get(pipeline, "prompts"), 0), "name", ""),
	    "fix");
	ck_assert_int_eq(cJSON_GetArraySize(
			     json_get(cJSON_GetArrayItem(json_get(pipeline, "prompts"), 0),
				 "variables")),
	    2);
	ck_assert_int_eq(cJSON_GetArraySize(
			     json_get(cJSON_GetArrayItem(json_get(json, "pipelines"), 1),
				 "prompts")),
	    0);
	cJSON_Delete(json);
}
END_TEST

START_TEST(lists_without_an_end_are_refused)
{
	static const struct drover_source *endless[300];
	static struct drover_source source[300];
	static char names[300][16];
	struct draft d;
	struct error err = { 0 };

	draft(&d);
	for (int i = 0; i < 300; i++) {
		(void)snprintf(names[i], sizeof names[i], "s%d", i);
		source[i] = (struct drover_source){ .size = sizeof source[i],
			.name = names[i],
			.poll = poll_nothing };
		endless[i] = &source[i];
	}
	d.plugin.sources = endless;
	ck_assert_int_eq(descriptor_check(&d.plugin, "draft", &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "more than 256 sources"));
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "loader", setup, teardown);

	tcase_add_test(tc, a_good_plugin_loads);
	tcase_add_test(tc, two_plugins_are_two);
	tcase_add_test(tc, the_first_folder_wins_and_missing_ones_are_passed);
	tcase_add_test(tc, names_are_no_paths);
	tcase_add_test(tc, relative_folders_are_refused);
	tcase_add_test(tc, what_others_can_write_is_refused);
	tcase_add_test(tc, what_others_own_is_refused);
	tcase_add_test(tc, a_link_to_a_file_is_refused_and_one_to_a_folder_followed);
	tcase_add_test(tc, what_is_no_file_or_no_library_is_refused);
	tcase_add_test(tc, libraries_that_are_no_plugin_for_us_are_refused);
	tcase_add_test(tc, a_constructor_that_crashes_says_whose_it_was);
	tcase_add_test(tc, headers_are_checked);
	tcase_add_test(tc, a_newer_minor_is_taken);
	tcase_add_test(tc, nested_tables_are_checked);
	tcase_add_test(tc, option_tables_are_checked);
	tcase_add_test(tc, authors_are_checked);
	tcase_add_test(tc, prompts_are_checked);
	tcase_add_test(tc, lists_without_an_end_are_refused);
}

SUITE(cases)
