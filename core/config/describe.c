/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks a droverd process what a plugin declares, since neither the core nor the
 * command line ever loads one.
 */
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "config/config.h"

#define DESCRIBE_MS 10000
#define DESCRIBE_MAX (1024 * 1024)

cJSON *
config_describe(const struct config *config, const char *droverd, const char *plugin)
{
	struct spawn child = { .file = droverd };
	struct error ignored;
	struct buf out = BUF_INIT;
	cJSON *json = NULL;
	const char **argv;
	int status;
	size_t n = 0;

	while (config->plugin_dirs != NULL && config->plugin_dirs[n] != NULL)
		n++;
	argv = xcalloc(n + 5, sizeof *argv);
	argv[0] = droverd;
	argv[1] = "-x";
	argv[2] = "describe";
	argv[3] = plugin;
	for (size_t i = 0; i < n; i++)
		argv[4 + i] = config->plugin_dirs[i];
	child.argv = argv;
	if (spawn_capture(&child, DESCRIBE_MS, DESCRIBE_MAX, &out, &status) == 0 && status == 0)
		json = json_parse(buf_str(&out), out.len, DESCRIBE_MAX, &ignored);
	buf_free(&out);
	free(argv);
	return json;
}
