/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Describes what a plugin offers as JSON, for `drover plugin info`, the core
 * and the generated documentation.
 */
#include <stdio.h>

#include "base/json.h"
#include "config/options.h"
#include "load/loader.h"

static cJSON *
describe_prompts(const struct drover_prompt *const *prompts)
{
	cJSON *list = cJSON_CreateArray(), *one, *variables;

	for (; prompts != NULL && *prompts != NULL; prompts++) {
		cJSON_AddItemToArray(list, one = cJSON_CreateObject());
		json_add_str(one, "name", (*prompts)->name);
		variables = cJSON_AddArrayToObject(one, "variables");
		for (int i = 0; (*prompts)->variables != NULL && (*prompts)->variables[i] != NULL;
		     i++)
			cJSON_AddItemToArray(variables,
			    cJSON_CreateString((*prompts)->variables[i]));
	}
	return list;
}

static cJSON *
describe_words(const char *const *words)
{
	cJSON *list = cJSON_CreateArray();

	for (; *words != NULL; words++)
		cJSON_AddItemToArray(list, cJSON_CreateString(*words));
	return list;
}

cJSON *
loader_describe(const struct plugin_image *image)
{
	const struct drover_plugin *plugin = &image->plugin;
	cJSON *all = cJSON_CreateObject(), *list, *one;
	char abi[16];

	(void)snprintf(abi, sizeof abi, "%u.%u", plugin->major, plugin->minor);
	json_add_str(all, "name", plugin->name);
	json_add_str(all, "version", plugin->version);
	json_add_str(all, "summary", plugin->summary != NULL ? plugin->summary : "");
	json_add_str(all, "abi", abi);
	json_add_bool(all, "hook", plugin->hook != NULL);
	cJSON_AddItemToObject(all, "options", options_describe(plugin->options));
	list = cJSON_AddArrayToObject(all, "sources");
	for (int i = 0; i < image->sources_len; i++) {
		cJSON_AddItemToArray(list, one = cJSON_CreateObject());
		json_add_str(one, "name", image->sources[i].name);
		json_add_str(one, "summary",
		    image->sources[i].summary != NULL ? image->sources[i].summary : "");
		json_add_int(one, "interval_ms", image->sources[i].interval_ms);
		json_add_bool(one, "settles", image->sources[i].settle != NULL);
		json_add_bool(one, "listen", image->sources[i].listen != NULL);
		if (image->sources[i].authors != NULL)
			cJSON_AddItemToObject(one, "authors",
			    describe_words(image->sources[i].authors));
		cJSON_AddItemToObject(one, "options", options_describe(image->sources[i].options));
	}
	list = cJSON_AddArrayToObject(all, "pipelines");
	for (int i = 0; i < image->pipelines_len; i++) {
		const struct drover_pipeline *pipeline = &image->pipelines[i];

		cJSON_AddItemToArray(list, one = cJSON_CreateObject());
		json_add_str(one, "name", pipeline->name);
		json_add_str(one, "summary", pipeline->summary != NULL ? pipeline->summary : "");
		json_add_str(one, "pool", pipeline->pool != NULL ? pipeline->pool : "light");
		json_add_int(one, "retries", pipeline->retries);
		json_add_int(one, "timeout_ms",
		    pipeline->timeout_ms > 0 ? pipeline->timeout_ms : 50 * 60 * 1000);
		json_add_int(one, "silence_ms",
		    pipeline->silence_ms > 0 ? pipeline->silence_ms : 5 * 60 * 1000);
		cJSON_AddItemToObject(one, "options", options_describe(pipeline->options));
		cJSON_AddItemToObject(one, "prompts", describe_prompts(pipeline->prompts));
	}
	list = cJSON_AddArrayToObject(all, "operations");
	for (int i = 0; i < image->operations_len; i++) {
		const struct drover_operation *operation = &image->operations[i];

		cJSON_AddItemToArray(list, one = cJSON_CreateObject());
		json_add_str(one, "name", operation->name);
		json_add_str(one, "summary", operation->summary != NULL ? operation->summary : "");
		json_add_int(one, "timeout_ms",
		    operation->timeout_ms > 0 ? operation->timeout_ms : 60 * 1000);
		json_add_bool(one, "credential",
		    (operation->flags & DROVER_OPERATION_CREDENTIAL) != 0);
	}
	return all;
}
