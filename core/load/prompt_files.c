/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks prompts before the daemon starts with a configuration. What plugins
 * declare is asked of a process that loads them, since the core itself never
 * does.
 */
#include <string.h>

#include "config/prompts.h"
#include "load/prompt_files.h"

static bool prompt_files_override(const struct config *);

static bool
prompt_files_override(const struct config *config)
{
	if (config->prompts != NULL)
		return true;
	for (int i = 0; i < config->repos_len; i++)
		if (config->repos[i].prompts != NULL)
			return true;
	for (int i = 0; i < config->plugins_len; i++)
		for (int j = 0; j < config->plugins[i].sources_len; j++)
			if (config->plugins[i].sources[j].prompts != NULL)
				return true;
	return false;
}

int
prompt_files_verify(const char *self, const struct config *config, bool whole,
    const cJSON *(*known)(void *, const char *), void *arg, struct buf *faults, struct error *err)
{
	cJSON *all, *one;
	const cJSON *has;
	struct buf lines = BUF_INIT;
	int n;

	/*
	 * drover's own prompt files are checked when a person asks for it, not
	 * at every start.
	 */
	if (!whole && !prompt_files_override(config))
		return 0;
	all = cJSON_CreateArray();
	for (int i = 0; i < config->plugins_len; i++) {
		has = known != NULL ? known(arg, config->plugins[i].name) : NULL;
		one = has != NULL ? cJSON_Duplicate(has, true) :
				    config_describe(config, self, config->plugins[i].name);
		if (one != NULL)
			cJSON_AddItemToArray(all, one);
	}
	n = prompts_check(config, all, &lines);
	if (n == 1)
		error_set(err, DROVER_CONFIG, "%.*s", (int)strcspn(buf_str(&lines), "\n"),
		    buf_str(&lines));
	else if (n > 1)
		error_set(err, DROVER_CONFIG, "%.*s (and %d more: see drover config check)",
		    (int)strcspn(buf_str(&lines), "\n"), buf_str(&lines), n - 1);
	if (faults != NULL)
		buf_adds(faults, buf_str(&lines));
	buf_free(&lines);
	cJSON_Delete(all);
	return n == 0 ? 0 : -1;
}
