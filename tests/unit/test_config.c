/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One text of configuration: what it means, what is refused and how that is
 * said, and the ways back out.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "config/config.h"
#include "config/identity.h"
#include "config/keys.h"

#include "suite.h"

/* libconfig 1.5 loses the text of a string that never ends. */
const char *__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:libconfig.so";
}

static const char full[] =
    "state_dir = \"/s\"; cache_dir = \"cache\"; socket = \"/run/d.sock\"; plugin_dirs = (\"/p1\", "
    "\"/p2\");\n"
    "running = 5; memory_floor = \"1G\"; disk_floor = \"2G\"; drain_timeout = \"2m\"; output_max = "
    "\"1M\"; keep_jobs = \"1d\";\n"
    "log = { file = \"/l\"; level = \"debug\"; }; trees = { warm = 1; max_age = \"1d\"; max_bytes "
    "= \"5G\"; };\n"
    "pools = { heavy = { slots = 2; memory = \"2G\"; }; gpu = { slots = 1; }; };\n"
    "agents = { codex = { command = (\"codex\", \"exec\", \"-\"); prompt = \"argument\"; output = "
    "\"codex\"; env = (\"A=b\");\n"
    "  env_pass = (\"OPENAI_API_KEY\"); timeout = \"30m\"; }; };\n"
    "repos = ( { name = \"web\"; url = \"https://example.org/web.git\"; base = \"main\"; forge = "
    "\"github\"; transport = \"git\";\n"
    "  setup = ( (\"npm\", \"ci\"), (\"make\") ); check = ( (\"npm\", \"test\") "
    "); setup_timeout = \"1m\";\n"
    "  check_timeout = \"2m\"; forbidden = (\".github/**\"); check_files = (\"Makefile\"); "
    "max_files = 7; max_bytes = \"1K\"; "
    "max_deleted = 80; submodules = \"none\"; slots = 2; user = \"me\";\n"
    "  token_file = \"/t\"; env = (\"CI=1\"); } );\n"
    "plugins = ( { name = \"github\"; options = { app_id = \"1\"; big = 9007199254740993L; };\n"
    "  sources = { pr-comment = { interval = \"45s\"; enabled = false; repos = (\"web\"); }; };\n"
    "  pipelines = { pr-comment = { pool = \"gpu\"; agent = \"codex\"; timeout = \"15m\"; silence "
    "= \"1m\"; retries = 2; slots = 3;\n"
    "    yield_to = (\"github.fix\"); yield_max = \"1h\"; label = \"x\"; }; }; } );\n";

static struct config *
parse(const char *text)
{
	struct error err = { 0 };
	struct config *c = config_parse(text, "/etc/drover/t.conf", &err);

	ck_assert_msg(c != NULL, "%s", err.text);
	return c;
}

static void
ck_equal(const struct config *a, const struct config *b)
{
	struct buf out = BUF_INIT;
	int n = config_diff(a, b, &out);

	ck_assert_msg(n == 0, "%s", buf_str(&out));
	buf_free(&out);
}

START_TEST(config_has_bounded_defaults)
{
	struct config *c = config_parse("", "default", NULL);

	ck_assert_int_eq(c->running, 3);
	ck_assert_int_eq(c->pools_len, 2);
	ck_assert_int_eq(config_pool(c, "light")->slots, 2);
	ck_assert_int_eq(config_pool(c, "heavy")->slots, 1);
	ck_assert_int_eq(c->memory_floor, INT64_C(512) << 20);
	ck_assert_int_eq(c->disk_floor, INT64_C(1) << 30);
	ck_assert_int_eq(c->drain_timeout_ms, 90000);
	ck_assert_int_eq(c->output_max, INT64_C(64) << 20);
	ck_assert_int_eq(c->keep_jobs_ms, INT64_C(30) * 86400000);
	ck_assert_int_eq(c->warm_trees, 4);
	ck_assert_int_eq(c->tree_max_age_ms, INT64_C(7) * 86400000);
	ck_assert_int_eq(c->log_level, DROVER_INFO);
	ck_assert_ptr_null(c->log_file);
	ck_assert_ptr_null(c->file);
	ck_assert_str_eq(c->plugin_dirs[0], PLUGINDIR);
	ck_assert_ptr_null(c->plugin_dirs[1]);
	config_free(c);
}
END_TEST

START_TEST(config_means_what_it_says)
{
	struct config *c = parse(full);
	const struct config_agent *agent = config_agent(c, "codex");
	const struct config_repo *repo = config_repo(c, "web");
	const struct config_plugin *plugin = config_plugin(c, "github");
	const struct config_pipeline *pipeline = config_pipeline(c, "github.pr-comment");

	ck_assert_str_eq(c->cache_dir, "/etc/drover/cache");
	ck_assert_str_eq(c->plugin_dirs[1], "/p2");
	ck_assert_int_eq(c->log_level, DROVER_DEBUG);
	ck_assert_int_eq(c->trees_max_bytes, INT64_C(5) << 30);
	ck_assert_int_eq(config_pool(c, "heavy")->slots, 2);
	ck_assert_int_eq(config_pool(c, "light")->slots, 2);
	ck_assert_int_eq(config_pool(c, "gpu")->memory, 0);
	ck_assert_ptr_null(config_pool(c, "none"));
	ck_assert_int_eq(agent->prompt, PROMPT_ARGUMENT);
	ck_assert_str_eq(agent->command[2], "-");
	ck_assert_ptr_null(agent->command[3]);
	ck_assert_str_eq(agent->env_pass[0], "OPENAI_API_KEY");
	ck_assert_int_eq(agent->timeout_ms, 1800000);
	ck_assert_str_eq(repo->setup[0][1], "ci");
	ck_assert_str_eq(repo->setup[1][0], "make");
	ck_assert_ptr_null(repo->setup[2]);
	ck_assert_str_eq(repo->transport, "git");
	ck_assert_int_eq(repo->max_bytes, 1024);
	ck_assert_int_eq(repo->max_deleted, 80);
	ck_assert_int_eq(repo->submodules, SUBMODULES_NONE);
	ck_assert_str_eq(repo->token_file, "/t");
	ck_assert_str_eq(plugin->at, "/etc/drover/t.conf:11");
	ck_assert(!plugin->sources[0].enabled);
	ck_assert_int_eq(plugin->sources[0].interval_ms, 45000);
	ck_assert_str_eq(json_str(json_path(plugin->sources[0].options, "repos"), "at", ""),
	    "/etc/drover/t.conf:12");
	ck_assert_str_eq(json_str(json_get(plugin->options, "app_id"), "value", ""), "1");
	ck_assert_int_eq(json_int(json_get(plugin->options, "big"), "value", 0),
	    INT64_C(9007199254740993));
	ck_assert_str_eq(pipeline->pool, "gpu");
	ck_assert_int_eq(pipeline->retries, 2);
	ck_assert_str_eq(pipeline->yield_to[0], "github.fix");
	ck_assert_str_eq(json_str(json_get(pipeline->options, "label"), "value", ""), "x");
	ck_assert_ptr_null(json_get(pipeline->options, "pool"));
	ck_assert_ptr_null(config_pipeline(c, "github.none"));
	ck_assert_ptr_null(config_pipeline(c, "git.pr-comment"));
	ck_assert_ptr_null(config_pipeline(c, "nonsense"));
	ck_assert_str_eq(json_str(c->origins, "repos.web.base", ""), "/etc/drover/t.conf:7");
	ck_assert_str_eq(json_str(c->origins, "pools.light.slots", ""), "default");
	config_free(c);
}
END_TEST

/*
 * Lists and strings that nobody configured are empty lists, so that nobody has
 * to ask.
 */
START_TEST(config_leaves_no_list_out)
{
	struct config *c = parse(
	    "agents = { a = { command = (\"x\"); }; }; repos = ( { name = \"r\"; url = \"/r\"; } "
	    ");\n"
	    "plugins = ( { name = \"p\"; pipelines = { k = { }; }; sources = { s = { }; }; } );");

	ck_assert_ptr_null(c->agents[0].env[0]);
	ck_assert_ptr_null(c->agents[0].env_pass[0]);
	ck_assert_ptr_null(c->repos[0].setup[0]);
	ck_assert_ptr_null(c->repos[0].check[0]);
	ck_assert_ptr_null(c->repos[0].forbidden[0]);
	ck_assert_ptr_null(c->repos[0].check_files[0]);
	ck_assert_ptr_null(c->repos[0].base);
	ck_assert_str_eq(c->repos[0].user, "x-access-token");
	ck_assert_ptr_null(c->plugins[0].pipelines[0].yield_to[0]);
	ck_assert_int_eq(c->plugins[0].pipelines[0].retries, -1);
	ck_assert_int_eq(c->plugins[0].pipelines[0].timeout_ms, -1);
	ck_assert_int_eq(c->plugins[0].pipelines[0].silence_ms, -1);
	ck_assert_int_eq(c->plugins[0].sources[0].interval_ms, -1);
	ck_assert(c->plugins[0].sources[0].enabled);
	config_free(c);
}
END_TEST

#define REPO "repos = ( { name = \"r\"; url = \"/r\";\n"
#define PIPELINE "plugins = ( { name = \"p\"; pipelines = { k = {\n"

static const struct {
	const char *text;
	const char *at;          /* line of t.conf */
	const char *what, *right; /* both must be in the text of the error */
} faults[] = {
	{ "running = ;", "1", "syntax error", "KEY = VALUE" },
	{ "running = 1;\nrunning = 2;", "2", "duplicate", "KEY = VALUE" },
	{ "\nruning = 2;", "2", "runing: unknown key", "\"running\"" },
	{ "zzzzzzzz = 2;", "1", "unknown key", "drover config example" },
	{ "log = {\n levle = \"info\"; };", "2", "log.levle: unknown key", "\"level\"" },
	{ "pools = { heavy = {\n slot = 1; }; };", "2", "pools.heavy.slot: unknown key",
	    "\"slots\"" },
	{ REPO " bse = \"main\"; } );", "2", "repos.r.bse: unknown key", "\"base\"" },
	{ "running = \"3\";", "1", "running: must be", "a whole number" },
	{ "running = 1.5;", "1", "running: must be", "a whole number" },
	{ "running = 0;", "1", "running: 0 is out of range", "1 to 10000" },
	{ "running = 4294967297L;", "1", "out of range", "1 to 10000" },
	{ "running = -9223372036854775807L;", "1", "running:", "a whole number" },
	{ "running = (1);", "1", "running: must be", "a whole number" },
	{ "state_dir = 5;", "1", "state_dir: must be", "a path in quotes" },
	{ "state_dir = \"\";", "1", "state_dir: the value is empty", "leave the key out" },
	{ "plugin_dirs = \"/x\";", "1", "plugin_dirs: must be", "(\"/a\", \"/b\")" },
	{ "drain_timeout = 90;", "1", "drain_timeout: must be", "\"30s\"" },
	{ "drain_timeout = \"90\";", "1", "\"90\" is not a duration", "\"30s\"" },
	{ "keep_jobs = \"1s\";", "1", "too short", "at least 1m" },
	{ "disk_floor = \"1GB\";", "1", "\"1GB\" is not a size", "\"2G\"" },
	{ "output_max = \"1\";", "1", "too small", "at least 4K" },
	{ "log = { level = \"loud\"; };", "1", "log.level: \"loud\" is not one of",
	    "\"debug\", \"info\"" },
	{ "log = 5;", "1", "log: must be", "a group" },
	{ "pools = 5;", "1", "pools: must be", "a group" },
	{ "pools = { heavy = 1; };", "1", "pools.heavy: must be", "a group" },
	{ "pools = { Heavy = { }; };", "1", "\"Heavy\" is not a name", "a-z" },
	{ "agents = { a = { }; };", "1", "agents.a: command is missing", "argv" },
	{ "agents = { a = { command = (); }; };", "1", "agents.a.command: the command is empty",
	    "no shell" },
	{ "agents = { a = { command = \"x y\"; }; };", "1", "agents.a.command: must be",
	    "no shell" },
	{ "agents = { a = { command = (\"x\", 1); }; };", "1", "agents.a.command: must be",
	    "no shell" },
	{ "agents = { a = { command = (\"x\"); prompt = \"tty\"; }; };", "1",
	    "\"tty\" is not one of", "\"stdin\"" },
	{ "agents = { a = { command = (\"x\");\n env = (\"A\"); }; };", "2", "agents.a.env",
	    "NAME=value" },
	{ "agents = { a = { command = (\"x\");\n env = (\"MY_API_KEY=sk\"); }; };", "2",
	    "a secret is not written", "env_pass" },
	{ "agents = { a = { command = (\"x\");\n env_pass = (\"A=b\"); }; };", "2",
	    "agents.a.env_pass", "name of a variable" },
	{ "/* 9999999999 */ # 9999999999\nrunning = 4294967297;", "2", "4294967297",
	    "L at its end" },
	{ "keep_jobs =\n 0x100000000;", "2", "0x100000000", "\"4G\"" },
	{ "running = -2147483649;", "1", "-2147483649", "L at its end" },
	{ "running = 9223372036854775808L;", "1", "9223372036854775808L",
	    "at most" },
	{ "repos = { };", "1", "repos: must be", "a list" },
	{ "repos = ( 5 );", "1", "must be a group", "KEY = VALUE" },
	{ "repos = (\n { url = \"/r\"; } );", "2", "name is missing", "jobs and sources" },
	{ "repos = ( { name = \"r\"; } );", "1", "url is missing", "https://" },
	{ "repos = ( { name = \"R/x\"; url = \"/r\"; } );", "1", "\"R/x\" is not a name", "a-z" },
	{ "repos = ( { name = \"r\"; url = \"/r\"; },\n { name = \"r\"; url = \"/q\"; } );", "2",
	    "\"r\" is there twice", "first at /etc/drover/t.conf:1" },
	{ REPO " setup = (\"npm\", \"ci\"); } );", "2", "repos.r.setup: must be",
	    "brackets of its own" },
	{ REPO " setup = ( () ); } );", "2", "the command is empty", "no shell" },
	{ REPO " token = \"x\"; } );", "2", "repos.r.token: a secret is not written",
	    "token_file, token_env or token_command" },
	{ REPO " password = \"x\"; } );", "2", "repos.r.password: a secret is not written",
	    "token_file, token_env or token_command" },
	{ "repos = ( { name = \"r\";\n url = \"https://me:pw@example.org/r\"; } );", "2",
	    "take what is before the @ out", "token_file" },
	{ "repos = ( { name = \"r\";\n url = \"https://ghp_1@example.org/r\"; } );", "2",
	    "take what is before the @ out", "token_file" },
	{ "repos = ( { name = \"r\";\n url = \"http://a:b@c@example.org/r\"; } );", "2",
	    "take what is before the @ out", "token_file" },
	{ "repos = ( { name = \"r\";\n url = \"ssh://git:pw@example.org/r\"; } );", "2",
	    "take the password out", "use a key" },
	{ "repos = ( { name = \"r\";\n url = \"https://me:pw\\\\@example.org/r\"; } );", "2",
	    "has no host and port that all programs read alike", "https://HOST" },
	{ "repos = ( { name = \"r\";\n url = \"https://ours\\\\.example.net/r\"; } );", "2",
	    "has no host and port that all programs read alike", "https://HOST" },
	{ "repos = ( { name = \"r\";\n url = \"https://h:99x/r\"; } );", "2",
	    "has no host and port that all programs read alike", "https://HOST" },
	{ "repos = ( { name = \"r\";\n url = \"http://h/r\"; token_file = \"/t\"; } );", "2",
	    "repos.r.url: http:// shows the token", "write https://" },
	{ "repos = ( { name = \"r\";\n url = \"http://127.0.0.1.example.org/r\"; token_env = "
	  "\"T\"; } );",
	    "2", "repos.r.url: http:// shows the token", "write https://" },
	{ "repos = ( { name = \"r\";\n url = \"http://h/r\"; token_from = \"p\"; } );\n"
	  "plugins = ( { name = \"p\"; } );",
	    "2", "repos.r.url: http:// shows the token", "write https://" },
	{ "plugins = ( { name = \"p\"; options = {\n base_url = \"https://x:y@h/\"; }; } );", "2",
	    "plugins.p.options.base_url: a secret is not written", "token_file" },
	{ "plugins = ( { name = \"p\"; sources = { s = {\n urls = (\"https://x@h/\"); }; }; } );",
	    "2", "plugins.p.sources.s.urls: a secret is not written", "token_file" },
	{ "repos = ( { name = \"r\";\n url = \"ext::sh -c id\"; } );", "2", "repos.r.url: must be",
	    "https://" },
	{ "repos = ( { name = \"r\";\n url = \"-oProxyCommand=x@y:z\"; } );", "2",
	    "repos.r.url: must be", "https://" },
	{ "repos = ( { name = \"r\";\n url = \"relative/path\"; } );", "2", "repos.r.url: must be",
	    "absolute path" },
	{ REPO " base = \"a..b\"; } );", "2", "not the name of a branch", "\"main\"" },
	{ REPO " transport = \"ssh\"; } );", "2", "\"ssh\" is not one of", "\"libgit2\", \"git\"" },
	{ REPO " token_file = \"/a\";\n token_env = \"B\"; } );", "3",
	    "there is token_file as well", "keep one" },
	{ REPO " token_env = \"B\";\n token_command = (\"b\"); } );", "3",
	    "there is token_env as well", "keep one" },
	{ REPO " token_file = \"/a\";\n token_from = \"p\"; } );\nplugins = ( { name = \"p\"; } );",
	    "3", "there is token_file as well", "keep one" },
	{ REPO " token_command = (\"b\");\n token_from = \"p\"; } );\nplugins = ( { name = \"p\"; "
	       "} );",
	    "3", "there is token_command as well", "keep one" },
	{ REPO " token_from = \"p\"; } );", "2",
	    "repos.r.token_from: no plugin \"p\" is configured", "add it to plugins" },
	{ REPO " author = \"Robot\"; } );", "2", "repos.r.author: \"Robot\" is not a name",
	    "Robot <robot@example.org>" },
	{ "author = \"Robot <robot>\";", "1", "author: \"Robot <robot>\" is not a name and an",
	    "Robot <robot@example.org>" },
	{ "author = \"<a@b>\";", "1", "is not a name and an address", "write it like" },
	{ "author = \"A <a@b> <c@d>\";", "1", "is not a name and an address", "write it like" },
	{ "author = \"A\\n <a@b>\";", "1", "is not a name and an address", "write it like" },
	{ "author = \"A. <a@b>\";", "1", "is not a name and an address", "write it like" },
	{ REPO " signoff = \"x\"; } );", "2", "repos.r.signoff: must be", "true or false" },
	{ REPO " env = (\"=x\"); } );", "2", "repos.r.env", "NAME=value" },
	{ PIPELINE " pool = \"hevy\"; }; }; } );", "2", "there is no pool \"hevy\"",
	    "add it to pools" },
	{ PIPELINE " agent = \"codx\"; }; }; } );", "2", "there is no agent \"codx\"",
	    "add it to agents" },
	{ PIPELINE " repos = (\"web\"); }; }; } );", "2",
	    "plugins.p.pipelines.k.repos: there is no repo \"web\"", "add it to repos" },
	{ PIPELINE " retries = 101; }; }; } );", "2", "out of range", "0 to 100" },
	{ PIPELINE " yield_to = (\"x\"); }; }; } );", "2", "\"x\" is not a kind",
	    "PLUGIN.PIPELINE" },
	{ "plugins = ( { name = \"p\"; sources = { s = {\n repo = \"web\"; }; }; } );", "2",
	    "plugins.p.sources.s.repo: there is no repo", "add it" },
	{ "plugins = ( { name = \"p\"; options = {\n npm_token = \"x\"; }; } );", "2",
	    "plugins.p.options.npm_token: a secret is not written", "npm_token_file" },
	{ "plugins = ( { name = \"p\"; sources = { s = {\n password = \"x\"; }; }; } );", "2",
	    "a secret is not written", "password_env" },
	{ "plugins = ( { name = \"p\";\n options = 5; } );", "2", "plugins.p.options: must be",
	    "a group" },
	{ "plugins = ( { name = \"../p\"; } );", "1", "\"../p\" is not a name", "a-z" },
	{ "plugins = ( { nam = \"p\"; } );", "1", "unknown key", "\"name\"" },
	{ "token = \"x\";", "1", "a secret is not written", "token_file" },
	{ "socket = "
	  "\"/"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaa\";",
	    "1", "socket:", "use a shorter one" },
	{ "state_dir = \"\xff\";", "1", "not UTF-8", "save the file as UTF-8" },
};

START_TEST(config_refuses)
{
	struct error err = { 0 };
	char *at = xasprintf("/etc/drover/t.conf:%s: ", faults[_i].at);

	ck_assert_ptr_null(config_parse(faults[_i].text, "/etc/drover/t.conf", &err));
	ck_assert_int_eq(err.code, DROVER_CONFIG);
	ck_assert_msg(strncmp(err.text, at, strlen(at)) == 0, "%s\n%s", faults[_i].text, err.text);
	ck_assert_msg(strstr(err.text, faults[_i].what) != NULL, "%s\n%s", faults[_i].text,
	    err.text);
	ck_assert_msg(strstr(err.text, faults[_i].right) != NULL, "%s\n%s", faults[_i].text,
	    err.text);
	ck_assert_msg(strstr(err.text, "pw") == NULL, "%s", err.text);
	free(at);
}
END_TEST

static const char *const urls[] = { "/srv/r.git", "file:///srv/r", "http://h/r",
	"https://h:8443/a@b", "http://[::1]:80/r\"; token_env = \"T",
	"http://127.0.0.1:8080/r\"; token_file = \"/t", "http://localhost/r\"; token_env = \"T",
	"ssh://git@h:22/r", "git@h:o/r.git" };

START_TEST(config_takes_urls)
{
	char *text = xasprintf("repos = ( { name = \"r\"; url = \"%s\"; } );", urls[_i]);

	config_free(parse(text));
	free(text);
}
END_TEST

/* A forge's own names and patterns are not ours to check. */
START_TEST(config_leaves_foreign_names_alone)
{
	config_free(parse("plugins = ( { name = \"p\"; sources = { s = { repos = (\"acme/web\", "
			  "\"*\"); repo = \"a/b\"; }; }; } );"));
}
END_TEST

START_TEST(config_goes_through_json)
{
	struct config *c = parse(_i == 0 ? full : ""), *again;
	struct error err = { 0 };
	cJSON *json = config_to_json(c), *second;
	char *a = json_print(json), *b;

	again = config_from_json(json, &err);
	ck_assert_msg(again != NULL, "%s", err.text);
	ck_equal(c, again);
	second = config_to_json(again);
	b = json_print(second);
	ck_assert_str_eq(a, b);
	if (_i == 0) {
		ck_assert_str_eq(again->plugins[0].at, c->plugins[0].at);
		ck_assert(cJSON_Compare(again->plugins[0].options, c->plugins[0].options, true));
		ck_assert(cJSON_Compare(again->plugins[0].sources[0].options,
		    c->plugins[0].sources[0].options, true));
	}
	free(a);
	free(b);
	cJSON_Delete(json);
	cJSON_Delete(second);
	config_free(c);
	config_free(again);
	ck_assert_ptr_null(config_from_json(NULL, &err));
}
END_TEST

START_TEST(config_example_is_the_defaults)
{
	struct buf text = BUF_INIT;
	struct config *c, *defaults = config_parse("", "default", NULL);

	config_example(&text);
	c = parse(buf_str(&text));
	ck_equal(defaults, c);
	config_free(c);
	config_free(defaults);
	buf_free(&text);
}
END_TEST

START_TEST(identity_is_the_repos_then_the_whole_configurations)
{
	struct config *c = parse("author = \"A, b <a@b.c>\"; sign_key_file = \"k\"; "
				 "repos = ( { name = \"r\"; url = \"/r\"; }, "
				 "{ name = \"q\"; url = \"/q\"; author = \"Q <q@q>\"; "
				 "signoff = true; sign_key_file = \"/q.key\"; } );");
	struct identity r = identity_of(c, &c->repos[0]), q = identity_of(c, &c->repos[1]);
	char *joined;

	ck_assert_str_eq(r.author, "A, b <a@b.c>");
	ck_assert(!r.signoff);
	ck_assert_str_eq(r.sign_key_file, "/etc/drover/k");
	ck_assert_str_eq(q.author, "Q <q@q>");
	ck_assert(q.signoff);
	ck_assert_str_eq(q.sign_key_file, "/q.key");
	config_free(c);
	joined = identity_join(" O'Neil, <J.>. ", "<j@x.org>");
	ck_assert_str_eq(joined, "O'Neil, J <j@x.org>");
	free(joined);
	ck_assert_ptr_null(identity_join("...", "j@x.org"));
	ck_assert_ptr_null(identity_join("J", "nowhere"));
}
END_TEST

static void
ck_example_has(const struct key *table, const char *text)
{
	char *line;

	for (; table->name != NULL; table++) {
		if (table->kind == KEY_REST || table->kind == KEY_AT)
			continue;
		line = xasprintf("%s = ", table->name);
		ck_assert_msg(strstr(text, line) != NULL, "%s", table->name);
		free(line);
		if (table->table != NULL)
			ck_example_has(table->table, text);
	}
}

/*
 * With every "#key" uncommented it is a configuration too, and no key is
 * missing from it.
 */
START_TEST(config_example_shows_keys_that_work)
{
	struct buf text = BUF_INIT, all = BUF_INIT;
	const char *p, *end;
	struct config *c;

	config_example(&text);
	for (p = text.data; *p != '\0'; p = end + 1) {
		end = strchr(p, '\n');
		p += strspn(p, "\t");
		if (p[0] == '#' && p[1] != ' ')
			p++;
		buf_add(&all, p, (size_t)(end + 1 - p));
	}
	c = parse(all.data);
	ck_assert_int_eq(c->pools_len, 3);
	ck_assert_int_eq(c->repos_len, 1);
	ck_assert_int_eq(c->plugins[0].pipelines_len, 1);
	ck_assert_ptr_nonnull(c->log_file);
	ck_example_has(keys_config, text.data);
	config_free(c);
	buf_free(&text);
	buf_free(&all);
}
END_TEST

START_TEST(config_shown_parses_back)
{
	struct config *c = parse(full), *again;
	struct buf text = BUF_INIT;

	config_show(c, _i == 1, &text);
	if (_i == 1) {
		ck_assert_ptr_nonnull(
		    strstr(text.data, "running = 5; # from /etc/drover/t.conf:2\n"));
		ck_assert_ptr_nonnull(strstr(text.data, "slots = 2; # default\n"));
		ck_assert_ptr_nonnull(
		    strstr(text.data, "app_id = \"1\"; # from /etc/drover/t.conf:11\n"));
	}
	again = parse(text.data);
	ck_equal(c, again);
	config_free(c);
	config_free(again);
	buf_free(&text);
}
END_TEST

START_TEST(config_shows_odd_text)
{
	struct config *c = parse("agents = { a = { command = (\"a\\\"b\\\\c\\n\\x01\", "
				 "\"\xc3\xa9\"); }; };"),
		      *again;
	struct buf text = BUF_INIT;

	ck_assert_str_eq(c->agents[0].command[0], "a\"b\\c\n\x01");
	config_show(c, false, &text);
	again = parse(text.data);
	ck_equal(c, again);
	config_free(c);
	config_free(again);
	buf_free(&text);
}
END_TEST

START_TEST(config_tells_differences)
{
	struct config *a = parse("socket = \"/s\"; state_dir = \"/d\"; running = 1;"),
		      *b = parse("socket = \"/s\"; state_dir = \"/d\";\n"
				 "pools = { heavy = { slots = 2; }; }; repos = ( { name = \"r\"; "
				 "url = \"/r\"; } );");
	struct buf out = BUF_INIT;

	ck_assert_int_gt(config_diff(a, b, &out), 3);
	ck_assert_ptr_nonnull(strstr(out.data, "running: 1 -> 3\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "pools.heavy.slots: 1 -> 2\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "repos.r.url: (none) -> \"/r\"\n"));
	ck_assert_ptr_null(strstr(out.data, "socket"));
	buf_clear(&out);
	config_diff(b, a, &out);
	ck_assert_ptr_nonnull(strstr(out.data, "repos.r.url: \"/r\" -> (none)\n"));
	buf_free(&out);
	config_free(a);
	config_free(b);
}
END_TEST

START_TEST(config_survives_any_text)
{
	struct error err;
	struct config *c;
	cJSON *json;
	size_t len, i;
	char *text;

	srand(7);
	for (int n = 0; n < 20000; n++) {
		len = sizeof full - 1;
		text = xstrndup(full, len);
		for (int changes = 1 + rand() % 4; changes > 0; changes--) {
			i = (size_t)rand() % len;
			if (rand() % 3 == 0)
				text[i] = full[(size_t)rand() % len];
			else if (rand() % 2 == 0)
				text[i] = (char)(1 + rand() % 255);
			else
				memmove(text + i, text + i + 1, len - i);
			len = strlen(text);
			if (len == 0)
				break;
		}
		/* Nothing may come in from files. */
		while ((i = strcspn(text, "@")) < len)
			text[i] = ' ';
		err.text[0] = '\0';
		c = config_parse(text, "/t.conf", &err);
		ck_assert(c != NULL ||
		    (err.code == DROVER_CONFIG && strncmp(err.text, "/t.conf:", 8) == 0));
		if (c != NULL && n % 10 == 0) {
			json = config_to_json(c);
			cJSON_Delete(json);
		}
		config_free(c);
		free(text);
	}
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "text", NULL, NULL);

	tcase_add_test(tc, config_has_bounded_defaults);
	tcase_add_test(tc, config_means_what_it_says);
	tcase_add_test(tc, config_leaves_no_list_out);
	tcase_add_loop_test(tc, config_refuses, 0, (int)ARRAY_LEN(faults));
	tcase_add_loop_test(tc, config_takes_urls, 0, (int)ARRAY_LEN(urls));
	tcase_add_test(tc, config_leaves_foreign_names_alone);
	tcase_add_loop_test(tc, config_goes_through_json, 0, 2);
	tcase_add_test(tc, identity_is_the_repos_then_the_whole_configurations);
	tcase_add_test(tc, config_example_is_the_defaults);
	tcase_add_test(tc, config_example_shows_keys_that_work);
	tcase_add_loop_test(tc, config_shown_parses_back, 0, 2);
	tcase_add_test(tc, config_shows_odd_text);
	tcase_add_test(tc, config_tells_differences);
	tcase_add_test(tc, config_survives_any_text);
}

SUITE(cases)
