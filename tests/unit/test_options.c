/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Option tables and secrets, with a plugin's configuration as it comes from a
 * file.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/secrets.h"
#include "config/config.h"
#include "config/options.h"

#include "temp.h"
#include "suite.h"

static const struct drover_option table[] = {
	{ "label", DROVER_STRING, DROVER_REQUIRED, NULL, "The label that asks for work." },
	{ "draft", DROVER_BOOL, 0, "true", "Open as draft." },
	{ "limit", DROVER_INT, 0, "10", "Items." },
	{ "wait", DROVER_DURATION, 0, "90s", "How long." },
	{ "size", DROVER_SIZE, 0, NULL, "How large." },
	{ "folder", DROVER_PATH, 0, "inbox", "Where." },
	{ "authors", DROVER_LIST, 0, "(\"a\", \"b\")", "Who." },
	{ "token", DROVER_STRING, DROVER_SECRET, NULL, "The token." },
	{ NULL, 0, 0, NULL, NULL },
};

static const struct drover_option needs_secret[] = {
	{ "token", DROVER_STRING, DROVER_SECRET | DROVER_REQUIRED, NULL, "The token." },
	{ NULL, 0, 0, NULL, NULL },
};

static struct options *
check_with(const struct drover_option *with, const char *text, struct error *err)
{
	char *whole = xasprintf("plugins = ( { name = \"p\"; options = {\n%s\n}; } );", text);
	struct config *c = config_parse(whole, "/t.conf", err);
	struct options *o;

	ck_assert_msg(c != NULL, "%s", err->text);
	o = options_check(with, c->plugins[0].options, "plugin p", "/base", err);
	config_free(c);
	free(whole);
	return o;
}

static struct options *
check(const char *text, struct error *err)
{
	return check_with(table, text, err);
}

START_TEST(options_are_typed)
{
	struct error err = { 0 };
	struct options *o = check("label = \"x\"; draft = false; limit = 5; wait = \"1m\"; size = "
				  "\"2K\"; folder = \"in\"; authors = (\"me\");",
	    &err);

	ck_assert_msg(o != NULL, "%s", err.text);
	ck_assert_str_eq(options_string(o, "label"), "x");
	ck_assert_int_eq(options_integer(o, "draft"), 0);
	ck_assert_int_eq(options_integer(o, "limit"), 5);
	ck_assert_int_eq(options_integer(o, "wait"), 60000);
	ck_assert_int_eq(options_integer(o, "size"), 2048);
	ck_assert_str_eq(options_string(o, "folder"), "/base/in");
	ck_assert_uint_eq(options_count(o, "authors"), 1);
	ck_assert_str_eq(options_item(o, "authors", 0), "me");
	ck_assert_ptr_null(options_item(o, "authors", 1));
	options_free(o);
}
END_TEST

START_TEST(options_have_defaults)
{
	struct error err = { 0 };
	struct options *o = check("label = \"x\";", &err);

	ck_assert_msg(o != NULL, "%s", err.text);
	ck_assert_int_eq(options_integer(o, "draft"), 1);
	ck_assert_int_eq(options_integer(o, "limit"), 10);
	ck_assert_int_eq(options_integer(o, "wait"), 90000);
	ck_assert_int_eq(options_integer(o, "size"), 0);
	ck_assert_ptr_null(options_string(o, "size"));
	ck_assert_str_eq(options_string(o, "folder"), "/base/inbox");
	ck_assert_uint_eq(options_count(o, "authors"), 2);
	ck_assert_int_eq(options_has(o, "size"), 1);
	ck_assert_int_eq(options_has(o, "none"), 0);
	ck_assert_ptr_null(options_string(o, "none"));
	ck_assert_ptr_null(options_string(NULL, "none"));
	ck_assert_uint_eq(options_count(o, "label"), 0);
	err.code = 1;
	ck_assert_ptr_null(options_secret(o, "token", &err));
	ck_assert_int_eq(err.code, 0);
	ck_assert_ptr_null(options_secret(o, "label", &err));
	ck_assert_int_eq(err.code, DROVER_CONFIG);
	options_free(o);
	o = options_check(NULL, NULL, "plugin p", "/", &err);
	ck_assert_ptr_nonnull(o);
	options_free(o);
}
END_TEST

static const struct {
	const char *text, *error;
} faults[] = {
	{ "draft = true;", "/t.conf:2: plugin p: label is missing: The label that asks for work." },
	{ "label = \"x\";\nlimt = 5;",
	    "/t.conf:3: plugin p: unknown key \"limt\"; did you mean \"limit\"?" },
	{ "label = \"x\";\nqqqqqqqq = 5;",
	    "/t.conf:3: plugin p: unknown key \"qqqqqqqq\"; drover plugin info shows all" },
	{ "label = \"x\";\ntokn = \"y\";",
	    "/t.conf:3: plugin p: unknown key \"tokn\"; did you mean \"token_file\"?" },
	{ "label = 5;", "/t.conf:2: plugin p: label must be text in quotes" },
	{ "label = \"x\"; draft = 1;", "/t.conf:2: plugin p: draft must be true or false" },
	{ "label = \"x\"; limit = 1.5;", "/t.conf:2: plugin p: limit must be a whole number" },
	{ "label = \"x\"; wait = 5;", "/t.conf:2: plugin p: wait must be a duration" },
	{ "label = \"x\"; size = \"1X\";", "/t.conf:2: plugin p: size must be a size" },
	{ "label = \"x\"; folder = \"\";", "/t.conf:2: plugin p: folder must be a path" },
	{ "label = \"x\"; authors = \"me\";", "/t.conf:2: plugin p: authors must be a list" },
	{ "label = \"x\"; authors = (\"me\", 5);", "/t.conf:2: plugin p: authors must be a list" },
	{ "label = \"x\"; label_file = \"/f\";",
	    "/t.conf:2: plugin p: unknown key \"label_file\"" },
	{ "label = \"x\"; token_command = \"a b\";",
	    "/t.conf:2: plugin p: token_command must be a command like" },
	{ "label = \"x\"; token_command = ();",
	    "/t.conf:2: plugin p: token_command must be a command like" },
	{ "label = \"x\"; token_env = 5;",
	    "/t.conf:2: plugin p: token_env must be the name of a variable" },
	{ "label = \"x\"; token_env = \"A\";\ntoken_file = \"/a\";",
	    "/t.conf:3: plugin p: token_file: there is token_env as well, at /t.conf:2" },
};

START_TEST(options_refuse)
{
	struct error err = { 0 };

	ck_assert_ptr_null(check(faults[_i].text, &err));
	ck_assert_int_eq(err.code, DROVER_CONFIG);
	ck_assert_msg(strncmp(err.text, faults[_i].error, strlen(faults[_i].error)) == 0, "%s",
	    err.text);
}
END_TEST

/* Under a name that only the table knows to be a secret's. */
START_TEST(options_refuse_literal_secrets)
{
	static const struct drover_option odd[] = {
		{ "webhook", DROVER_STRING, DROVER_SECRET, NULL, "" }, { NULL, 0, 0, NULL, NULL }
	};
	struct error err = { 0 };

	ck_assert_ptr_null(check_with(odd, "webhook = \"https://hooks/xyz\";", &err));
	ck_assert_str_eq(err.text,
	    "/t.conf:2: plugin p: webhook: a secret is not written into a file: use webhook_file, "
	    "webhook_env or webhook_command");
}
END_TEST

START_TEST(options_require_secrets)
{
	struct error err = { 0 };
	struct options *o;

	ck_assert_ptr_null(check_with(needs_secret, "", &err));
	ck_assert_str_eq(err.text,
	    "plugin p: token_file (or _env or _command) is missing: The token.");
	o = check_with(needs_secret, "token_env = \"X\";", &err);
	ck_assert_ptr_nonnull(o);
	options_free(o);
}
END_TEST

START_TEST(options_of_a_bad_table)
{
	static const struct drover_option odd_type[] = { { "a", 99, 0, NULL, NULL },
		{ NULL, 0, 0, NULL, NULL } };
	static const struct drover_option odd_default[] = { { "a", DROVER_INT, 0, "x y", NULL },
		{ NULL, 0, 0, NULL, NULL } };
	struct error err = { 0 };

	ck_assert_ptr_null(options_check(odd_type, NULL, "plugin p", "/", &err));
	ck_assert_ptr_nonnull(strstr(err.text, "a type that this drover does not know"));
	ck_assert_ptr_null(options_check(odd_default, NULL, "plugin p", "/", &err));
	ck_assert_ptr_nonnull(strstr(err.text, "a defect of the plugin"));
}
END_TEST

START_TEST(options_describe_themselves)
{
	cJSON *all = options_describe(table);

	ck_assert_int_eq(cJSON_GetArraySize(all), 8);
	ck_assert_str_eq(json_str(all->child, "type", ""), "string");
	ck_assert(json_bool(all->child, "required", false));
	ck_assert(json_bool(cJSON_GetArrayItem(all, 7), "secret", false));
	ck_assert_str_eq(json_str(cJSON_GetArrayItem(all, 3), "default", ""), "90s");
	cJSON_Delete(all);
}
END_TEST

START_TEST(secret_from_file)
{
	char *dir = temp_make(), *path = temp_file(dir, "token", "s3cret-value\n"), *secret;
	struct buf text = BUF_INIT;
	struct error err = { 0 };

	secret = secret_read(path, NULL, NULL, &err);
	ck_assert_msg(secret != NULL, "%s", err.text);
	ck_assert_str_eq(secret, "s3cret-value");
	free_wiped(secret);
	buf_adds(&text, "<s3cret-value>");
	secrets_hide(&text);
	ck_assert_str_eq(text.data, "<***>");
	buf_free(&text);
	ck_assert_int_eq(chmod(path, 0640), 0);
	ck_assert_ptr_null(secret_read(path, NULL, NULL, &err));
	ck_assert_int_eq(err.code, DROVER_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.text, "chmod 600"));
	ck_assert_int_eq(chmod(path, 0604), 0);
	ck_assert_ptr_null(secret_read(path, NULL, NULL, &err));
	setenv("CREDENTIALS_DIRECTORY", dir, 1);
	secret = secret_read(path, NULL, NULL, &err);
	ck_assert_msg(secret != NULL, "%s", err.text);
	free_wiped(secret);
	unsetenv("CREDENTIALS_DIRECTORY");
	ck_assert_ptr_null(secret_read(dir, NULL, NULL, &err));
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_ptr_null(secret_read(path, NULL, NULL, &err));
	free(path);
	path = temp_file(dir, "empty", "\n");
	ck_assert_ptr_null(secret_read(path, NULL, NULL, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "empty"));
	secrets_clear();
	free(path);
	temp_remove(dir);
}
END_TEST

START_TEST(secret_from_environment)
{
	struct error err = { 0 };
	struct options *o = check("label = \"x\"; token_env = \"TEST_TOKEN\";", &err);
	char *secret;

	ck_assert_msg(o != NULL, "%s", err.text);
	unsetenv("TEST_TOKEN");
	ck_assert_ptr_null(options_secret(o, "token", &err));
	ck_assert_str_eq(err.text,
	    "/t.conf:2: token_env: the environment variable TEST_TOKEN is not set: set it for the "
	    "daemon");
	setenv("TEST_TOKEN", "abc", 1);
	secret = options_secret(o, "token", &err);
	ck_assert_str_eq(secret, "abc");
	free_wiped(secret);
	ck_assert_ptr_null(options_string(o, "token"));
	options_free(o);
}
END_TEST

START_TEST(secret_from_command)
{
	struct error err = { 0 };
	struct options *o =
	    check("label = \"x\"; token_command = (\"printf\", \"%s\\n\", \"a b; $(id)\");", &err);
	char *secret;

	ck_assert_msg(o != NULL, "%s", err.text);
	secret = options_secret(o, "token", &err);
	ck_assert_msg(secret != NULL, "%s", err.text);
	ck_assert_str_eq(secret, "a b; $(id)");
	free_wiped(secret);
	ck_assert_uint_eq(options_count(o, "token"), 0);
	options_free(o);
	secrets_clear();
}
END_TEST

static const struct {
	const char *argv[4];
	int code;
	const char *error;
} commands[] = {
	{ { "false", NULL }, DROVER_AGAIN, "exit status 1" },
	{ { "/no/such/command", NULL }, DROVER_CONFIG, "cannot run" },
	{ { "true", NULL }, DROVER_CONFIG, "empty" },
	{ { "sh", "-c", "kill -9 $$", NULL }, DROVER_AGAIN, "signal 9" },
	{ { "head", "-c70000", "/dev/zero", NULL }, DROVER_AGAIN, "more than 65536 bytes" },
	{ { "head", "-c7", "/dev/zero", NULL }, DROVER_CONFIG, "NUL" },
};

START_TEST(secret_command_fails)
{
	struct error err = { 0 };

	ck_assert_ptr_null(
	    secret_read(NULL, NULL, (char *const *)(uintptr_t)commands[_i].argv, &err));
	ck_assert_msg(err.code == commands[_i].code && strstr(err.text, commands[_i].error) != NULL,
	    "%d %s", err.code, err.text);
}
END_TEST

/* A daemon blocks and ignores signals; the command must not notice. */
START_TEST(secret_command_has_default_signals)
{
	static const char *const argv[] = { "sed", "-n",
		"/^SigBlk/s/.*\t//p; /^SigIgn/s/.*\\(.\\{4\\}\\)/\\1/p", "/proc/self/status",
		NULL };
	struct error err = { 0 };
	sigset_t all;
	char *secret;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	signal(SIGPIPE, SIG_IGN);
	secret = secret_read(NULL, NULL, (char *const *)(uintptr_t)argv, &err);
	ck_assert_msg(secret != NULL, "%s", err.text);
	ck_assert_str_eq(secret, "0000000000000000\n0000");
	free_wiped(secret);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "options", NULL, NULL);

	tcase_add_test(tc, options_are_typed);
	tcase_add_test(tc, options_have_defaults);
	tcase_add_loop_test(tc, options_refuse, 0, (int)ARRAY_LEN(faults));
	tcase_add_test(tc, options_refuse_literal_secrets);
	tcase_add_test(tc, options_require_secrets);
	tcase_add_test(tc, options_of_a_bad_table);
	tcase_add_test(tc, options_describe_themselves);
	tcase_add_test(tc, secret_from_file);
	tcase_add_test(tc, secret_from_environment);
	tcase_add_test(tc, secret_from_command);
	tcase_add_test(tc, secret_command_has_default_signals);
	tcase_add_loop_test(tc, secret_command_fails, 0, (int)ARRAY_LEN(commands));
}

SUITE(cases)
