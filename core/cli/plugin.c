/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands for authors of plugins: make a plugin to start from, and say what
 * the loader thinks of one.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/cli.h"

#define SAMPLE "example"
#define FILE_MAX_BYTES (256 * 1024)

static int print_description(struct cli *, const char *text, size_t len);
static void rename_sample(struct buf *text, const char *name);

/* droverd loads the plugin, so that it is checked just as it will be run. */
int
cmd_plugin_check(struct cli *cli)
{
	char real[PATH_MAX], *name, *program, *slash, *dot;
	struct buf out = BUF_INIT;
	struct error err = { 0 };
	int status;

	if (realpath(cli->args[0], real) == NULL) {
		error_errno(&err, DROVER_PERMANENT, "%s", cli->args[0]);
		cli_fail(cli, &err);
		return CLI_NOT_FOUND;
	}
	slash = strrchr(real, '/');
	name = xstrdup(slash + 1);
	*(slash == real ? slash + 1 : slash) = '\0';
	if ((dot = strrchr(name, '.')) == NULL || strcmp(dot, ".so") != 0) {
		free(name);
		return cli_usage(cli, "%s: the file of a plugin is called NAME.so", cli->args[0]);
	}
	*dot = '\0';
	program = cli_droverd();
	status = cli_capture((const char *const[]){ program, "-x", "describe", name, real,
				 NULL },
	    false, &out);
	if (status == 0)
		status = print_description(cli, buf_str(&out), out.len);
	else {
		cli_say(cli,
		    status == -1 ? "cannot run %s, or the plugin crashed it" :
				   "%s refuses the plugin",
		    program);
		status = CLI_FAILED;
	}
	free(program);
	free(name);
	buf_free(&out);
	return status;
}

/* Copies the template into a new folder of the plugin's name. */
int
cmd_plugin_new(struct cli *cli)
{
	static const char *const files[] = { "plugin.c", "Makefile", "README.md" };
	const char *name = cli->args[0], *given = getenv("DROVER_TEMPLATE");
	struct buf text = BUF_INIT;
	struct error err = { 0 };
	int status = CLI_OK;

	if (!text_is_name(name))
		return cli_usage(cli, "%s: a plugin's name is made of a-z, 0-9, _ and -", name);
	if (mkdir(name, 0777) != 0) {
		error_errno(&err, DROVER_PERMANENT, "cannot make the folder %s", name);
		cli_fail(cli, &err);
		return errno == EEXIST ? CLI_CONFLICT : CLI_FAILED;
	}
	for (size_t i = 0; status == CLI_OK && i < ARRAY_LEN(files); i++) {
		char *from = path_join(given != NULL ? given : PKGDATADIR "/template", files[i]),
		     *to = path_join(name, files[i]);

		buf_clear(&text);
		if (path_read(from, FILE_MAX_BYTES, &text, &err) != 0)
			status = cli_fail(cli, &err);
		else {
			rename_sample(&text, name);
			if (path_write(to, buf_str(&text), text.len, 0644, &err) != 0)
				status = cli_fail(cli, &err);
		}
		free(from);
		free(to);
	}
	buf_free(&text);
	if (status == CLI_OK)
		cli_say(cli, "%s/ is a plugin: `make -C %s check` builds and checks it", name,
		    name);
	return status;
}

static int
print_description(struct cli *cli, const char *text, size_t len)
{
	static const char *const exports[] = { "sources", "pipelines", "operations" };
	struct error err = { 0 };
	cJSON *json = json_parse(text, len, len, &err);
	const cJSON *one;

	if (json == NULL)
		return cli_fail(cli, &err);
	if (cli->value[OPT_JSON] != NULL)
		cli_json(cli, json);
	else {
		cli_field(cli, "plugin", json_str(json, "name", ""));
		cli_field(cli, "version", json_str(json, "version", ""));
		cli_field(cli, "summary", json_str(json, "summary", ""));
		for (size_t i = 0; i < ARRAY_LEN(exports); i++)
			cJSON_ArrayForEach(one, json_get(json, exports[i]))
				cli_field(cli, exports[i], json_str(one, "name", ""));
		cli_say(cli, "the daemon can load it");
	}
	cJSON_Delete(json);
	return CLI_OK;
}

static void
rename_sample(struct buf *text, const char *name)
{
	struct buf out = BUF_INIT;
	const char *from = buf_str(text), *hit;

	for (; (hit = strstr(from, SAMPLE)) != NULL; from = hit + strlen(SAMPLE)) {
		buf_add(&out, from, (size_t)(hit - from));
		buf_adds(&out, name);
	}
	buf_adds(&out, from);
	buf_free(text);
	*text = out;
}
