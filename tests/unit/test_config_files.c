/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration from files and the environment: which are read, in which order,
 * and who wins.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "config/config.h"

#include "temp.h"
#include "suite.h"

static char *dir, *file;

static void
setup(void)
{
	dir = temp_make();
	file = path_join(dir, "drover.conf");
	unsetenv("XDG_RUNTIME_DIR");
	unsetenv("XDG_STATE_HOME");
	setenv("HOME", dir, 1);
}

static void
teardown(void)
{
	free(file);
	temp_remove(dir);
}

static void
put(const char *name, const char *text)
{
	free(temp_file(dir, name, text));
}

static struct config *
load(void)
{
	struct error err = { 0 };
	struct config *c = config_load(file, NULL, &err);

	ck_assert_msg(c != NULL, "%s", err.text);
	return c;
}

static void
ck_origin(const struct config *c, const char *key, const char *where)
{
	char *expected = where[0] == 'e' ? xstrdup(where) : path_join(dir, where);

	ck_assert_str_eq(json_str(c->origins, key, "none"), expected);
	free(expected);
}

START_TEST(files_are_merged_by_key)
{
	struct config *c;

	put("drover.conf",
	    "running = 4;\npools = { heavy = { slots = 3; memory = \"1G\"; }; };\n"
	    "agents = { a = { command = (\"x\", \"y\"); }; };\n"
	    "repos = ( { name = \"web\"; url = \"/w\"; base = \"main\"; }, { name = \"api\"; url = "
	    "\"/a\"; } );\n"
	    "plugins = ( { name = \"p\"; options = { one = 1; two = 2; }; pipelines = { k = { pool "
	    "= \"heavy\"; }; }; } );\n");
	put("conf.d/10-a.conf", "pools = { heavy = {\n slots = 5; }; gpu = { slots = 1; }; };\n"
	    "repos = ( { name = \"web\"; base = \"dev\"; }, { name = \"new\"; url = \"/n\"; } );\n"
	    "agents = { a = { command = (\"z\"); }; };\n");
	put("conf.d/20-b.conf",
	    "running = 6;\nplugins = ( { name = \"p\"; options = { two = 3; }; pipelines = { k = { "
	    "pool = \"gpu\"; }; }; },\n"
	    " { name = \"q\"; } );\n");
	put("conf.d/15-c.conf", "running = 5;\n");
	put("conf.d/30-off.conf.bak", "running = 9;\n");
	put("conf.d/.40.conf", "running = 9;\n");
	c = load();
	ck_assert_int_eq(c->running, 6);
	ck_origin(c, "running", "conf.d/20-b.conf:1");
	ck_assert_int_eq(config_pool(c, "heavy")->slots, 5);
	ck_origin(c, "pools.heavy.slots", "conf.d/10-a.conf:2");
	ck_assert_int_eq(config_pool(c, "heavy")->memory, 1 << 30);
	ck_origin(c, "pools.heavy.memory", "drover.conf:2");
	ck_assert_int_eq(c->pools_len, 3);
	ck_assert_int_eq(c->repos_len, 3);
	ck_assert_str_eq(config_repo(c, "web")->base, "dev");
	ck_assert_str_eq(config_repo(c, "web")->url, "/w");
	ck_assert_str_eq(config_agent(c, "a")->command[0], "z");
	ck_assert_ptr_null(config_agent(c, "a")->command[1]);
	ck_assert_int_eq(c->plugins_len, 2);
	ck_assert_int_eq(json_int(json_get(c->plugins[0].options, "one"), "value", 0), 1);
	ck_assert_int_eq(json_int(json_get(c->plugins[0].options, "two"), "value", 0), 3);
	ck_assert_str_eq(config_pipeline(c, "p.k")->pool, "gpu");
	ck_assert_str_eq(c->file, file);
	config_free(c);
}
END_TEST

START_TEST(files_of_one_name_twice_are_refused)
{
	struct error err = { 0 };

	put("drover.conf", "repos = ( { name = \"web\"; url = \"/w\"; } );\n");
	put("conf.d/a.conf", "\nrepos = ( { name = \"web\"; }, { name = \"web\"; } );\n");
	ck_assert_ptr_null(config_load(file, NULL, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "conf.d/a.conf:2: \"web\" is there twice"));
}
END_TEST

START_TEST(files_that_are_included_keep_their_numbers)
{
	struct error err = { 0 };
	struct config *c;

	put("limits", "running = 3;\n");
	put("drover.conf", "@include \"limits\"\n");
	ck_assert_msg((c = config_load(file, NULL, &err)) != NULL, "%s", err.text);
	ck_assert_int_eq(c->running, 3);
	config_free(c);
	put("limits", "\nrunning = 4294967299;\n");
	ck_assert_ptr_null(config_load(file, NULL, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "limits:2: libconfig would read 4294967299"));
}
END_TEST

START_TEST(files_tell_where_the_fault_is)
{
	struct error err = { 0 };

	put("drover.conf", "running = 2;\n");
	put("conf.d/a.conf", "\n\nrunning = 0;\n");
	ck_assert_ptr_null(config_load(file, NULL, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "conf.d/a.conf:3: running: 0 is out of range"));
}
END_TEST

START_TEST(files_include_others)
{
	struct config *c;
	struct error err = { 0 };

	put("drover.conf", "@include \"more.inc\"\n");
	put("more.inc", "\nrunning = 2;\n");
	c = load();
	ck_assert_int_eq(c->running, 2);
	ck_assert_ptr_nonnull(strstr(json_str(c->origins, "running", ""), "more.inc:2"));
	config_free(c);
	put("drover.conf", "@include \"none.inc\"\n");
	ck_assert_ptr_null(config_load(file, NULL, &err));
	ck_assert_int_eq(err.code, DROVER_CONFIG);
}
END_TEST

START_TEST(files_that_are_missing_or_odd)
{
	struct error err = { 0 };
	char *missing = path_join(dir, "none.conf");

	ck_assert_ptr_null(config_load(missing, NULL, &err));
	ck_assert_int_eq(err.code, DROVER_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.text, missing));
	MUST(path_write(file, "running = 1;\0running = 2;", 25, 0600, NULL) == 0);
	ck_assert_ptr_null(config_load(file, NULL, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "NUL"));
	free(missing);
}
END_TEST

START_TEST(files_are_looked_for)
{
	struct error err = { 0 };
	struct config *c;
	char *own;

	setenv("XDG_CONFIG_HOME", dir, 1);
	if (config_load(NULL, NULL, &err) == NULL)
		ck_assert_ptr_nonnull(strstr(err.text, "drover config example"));
	own = temp_file(dir, "drover/drover.conf", "running = 7;");
	c = config_load(NULL, NULL, &err);
	ck_assert_ptr_nonnull(c);
	ck_assert_int_eq(c->running, 7);
	ck_assert_str_eq(c->file, own);
	config_free(c);
	free(own);
}
END_TEST

START_TEST(files_have_absolute_names)
{
	struct config *c;

	put("drover.conf", "log = { file = \"log\"; };");
	ck_assert_int_eq(chdir(dir), 0);
	c = config_load("drover.conf", NULL, NULL);
	ck_assert_ptr_nonnull(c);
	ck_assert_str_eq(c->file, file);
	ck_assert_int_eq(strncmp(c->log_file, dir, strlen(dir)), 0);
	config_free(c);
	ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

START_TEST(files_warn)
{
	struct buf warnings = BUF_INIT;
	struct config *c;

	put("drover.conf", "repos = ( { name = \"r\"; url = \"/r\"; forge = \"github\"; } );\n"
	    "plugins = ( { name = \"p\"; pipelines = { k = { yield_to = (\"q.x\"); }; }; } );");
	ck_assert_int_eq(chmod(file, 0666), 0);
	c = config_load(file, &warnings, NULL);
	ck_assert_ptr_nonnull(c);
	ck_assert_ptr_nonnull(strstr(warnings.data, "everyone may write it"));
	ck_assert_ptr_nonnull(strstr(warnings.data, "no plugin \"github\""));
	ck_assert_ptr_nonnull(strstr(warnings.data, "no plugin \"q\""));
	config_free(c);
	buf_free(&warnings);
}
END_TEST

START_TEST(files_of_keys_are_looked_at)
{
	struct error err = { 0 };
	char *key = temp_file(dir, "key", "-----BEGIN OPENSSH PRIVATE KEY-----\n");

	put("drover.conf",
	    "\nrepos = ( { name = \"r\"; url = \"/r\";\n sign_key_file = \"key\"; } );\n");
	ck_assert_int_eq(chmod(key, 0644), 0);
	ck_assert_ptr_null(config_load(file, NULL, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "drover.conf:3: repos.r.sign_key_file: "));
	ck_assert_ptr_nonnull(strstr(err.text, "run chmod 600"));
	config_free(config_look(file, &err));
	ck_assert_int_eq(chmod(key, 0600), 0);
	config_free(load());
	ck_assert_int_eq(unlink(key), 0);
	ck_assert_ptr_null(config_load(file, NULL, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "sign_key_file"));
	free(key);
}
END_TEST

START_TEST(places_follow_xdg)
{
	struct config *c;
	char *expected;

	put("drover.conf", "");
	c = load();
	expected = path_join(dir, ".local/state/drover/drover.sock");
	ck_assert_str_eq(c->socket, expected);
	config_free(c);
	setenv("XDG_STATE_HOME", "/xs", 1);
	setenv("XDG_CACHE_HOME", "relative/is/ignored", 1);
	setenv("XDG_RUNTIME_DIR", "/run/user/1", 1);
	c = load();
	ck_assert_str_eq(c->state_dir, "/xs/drover");
	ck_assert_str_eq(c->socket, "/run/user/1/drover.sock");
	free(expected);
	expected = path_join(dir, ".cache/drover");
	ck_assert_str_eq(c->cache_dir, expected);
	config_free(c);
	free(expected);
}
END_TEST

START_TEST(environment_wins)
{
	struct config *c;

	put("drover.conf", "running = 4; pools = { heavy = { slots = 3; }; };\n"
	    "repos = ( { name = \"my-web\"; url = \"/w\"; } );\n"
	    "plugins = ( { name = \"p\"; options = { one = 1; on = false; text = \"a\"; };\n"
	    " sources = { pr-comment = { limit = 5; }; }; } );\n");
	setenv("DROVER_RUNNING", "2", 1);
	setenv("DROVER_POOLS_HEAVY_SLOTS", "7", 1);
	setenv("DROVER_POOLS_LIGHT_MEMORY", "1G", 1);
	setenv("DROVER_LOG_LEVEL", "warn", 1);
	setenv("DROVER_TREES_MAX_AGE", "2d", 1);
	setenv("DROVER_REPOS_MY_WEB_BASE", "dev", 1);
	setenv("DROVER_PLUGINS_P_OPTIONS_ONE", "8", 1);
	setenv("DROVER_PLUGINS_P_OPTIONS_ON", "true", 1);
	setenv("DROVER_PLUGINS_P_OPTIONS_TEXT", "9", 1);
	setenv("DROVER_PLUGINS_P_OPTIONS_UNKNOWN", "9", 1);
	setenv("DROVER_PLUGINS_P_SOURCES_PR_COMMENT_INTERVAL", "9s", 1);
	setenv("DROVER_PLUGINS_P_SOURCES_PR_COMMENT_ENABLED", "0", 1);
	setenv("DROVER_PLUGINS_P_SOURCES_PR_COMMENT_LIMIT", "6", 1);
	setenv("DROVER_PLUGIN_PATH", "/evil", 1);
	setenv("DROVER_PLUGIN_DIRS", "/evil", 1);
	c = load();
	ck_assert_int_eq(c->running, 2);
	ck_origin(c, "running", "env DROVER_RUNNING");
	ck_assert_int_eq(config_pool(c, "heavy")->slots, 7);
	ck_origin(c, "pools.heavy.slots", "env DROVER_POOLS_HEAVY_SLOTS");
	ck_assert_int_eq(config_pool(c, "light")->memory, 1 << 30);
	ck_assert_int_eq(c->log_level, DROVER_WARN);
	ck_assert_int_eq(c->tree_max_age_ms, 172800000);
	ck_assert_str_eq(c->repos[0].base, "dev");
	ck_assert_int_eq(json_int(json_get(c->plugins[0].options, "one"), "value", 0), 8);
	ck_assert(json_bool(json_get(c->plugins[0].options, "on"), "value", false));
	ck_assert_str_eq(json_str(json_get(c->plugins[0].options, "text"), "value", ""), "9");
	ck_assert_ptr_null(json_get(c->plugins[0].options, "unknown"));
	ck_assert_int_eq(c->plugins[0].sources[0].interval_ms, 9000);
	ck_assert(!c->plugins[0].sources[0].enabled);
	ck_assert_int_eq(json_int(json_get(c->plugins[0].sources[0].options, "limit"), "value", 0),
	    6);
	ck_assert_str_eq(c->plugin_dirs[0], PLUGINDIR);
	config_free(c);
}
END_TEST

START_TEST(environment_is_checked)
{
	struct error err = { 0 };

	put("drover.conf", "");
	setenv("DROVER_RUNNING", "many", 1);
	ck_assert_ptr_null(config_load(file, NULL, &err));
	ck_assert_str_eq(err.text, "env DROVER_RUNNING: running: must be a whole number");
	unsetenv("DROVER_RUNNING");
	setenv("DROVER_DRAIN_TIMEOUT", "99999999999d", 1);
	ck_assert_ptr_null(config_load(file, NULL, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "env DROVER_DRAIN_TIMEOUT: drain_timeout: "));
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "files", setup, teardown);

	tcase_add_test(tc, files_are_merged_by_key);
	tcase_add_test(tc, files_of_one_name_twice_are_refused);
	tcase_add_test(tc, files_that_are_included_keep_their_numbers);
	tcase_add_test(tc, files_tell_where_the_fault_is);
	tcase_add_test(tc, files_include_others);
	tcase_add_test(tc, files_that_are_missing_or_odd);
	tcase_add_test(tc, files_are_looked_for);
	tcase_add_test(tc, files_have_absolute_names);
	tcase_add_test(tc, files_warn);
	tcase_add_test(tc, files_of_keys_are_looked_at);
	tcase_add_test(tc, places_follow_xdg);
	tcase_add_test(tc, environment_wins);
	tcase_add_test(tc, environment_is_checked);
}

SUITE(cases)
