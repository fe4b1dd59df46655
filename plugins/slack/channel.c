/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the channels that the bot reads: those of the option, or all that it
 * was invited to.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slack.h"

#define TYPES "public_channel,private_channel"

struct names {
	const char *name; /* name that is looked for, without "#"; NULL gathers all channels */
	char (*ids)[SLACK_ID_MAX];
	size_t n;
	char found[SLACK_ID_MAX];
};

static int channel_each(void *, const cJSON *, struct drover_error *);

static int
channel_each(void *arg, const cJSON *json, struct drover_error *err)
{
	struct names *names = arg;
	const char *id = json_text(json, "id");

	if (!slack_id_valid(id) || json_true(json, "is_archived"))
		return 0;
	if (names->name == NULL) {
		if (names->n < PLACES_MAX)
			snprintf(names->ids[names->n++], SLACK_ID_MAX, "%s", id);
		return 0;
	}
	if (strcmp(json_text(json, "name"), names->name) != 0)
		return 0;
	snprintf(names->found, sizeof(names->found), "%s", id);
	return 1;
}

int
channel_find(struct account *a, const char *name, char id[SLACK_ID_MAX], struct drover_error *err)
{
	static const struct param params[] = { { "types", TYPES }, { "exclude_archived", "true" },
		{ "limit", "200" }, { NULL, NULL } };
	struct names names = { .name = name + 1 };
	int code;

	id[0] = '\0';
	if (name[0] != '#') {
		if (!slack_id_valid(name))
			return plugin_fail(err, DROVER_PERMANENT,
			    "slack: channel \"%.60s\" is neither an id (C024BE91L) nor a name "
			    "(#web)",
			    name);
		snprintf(id, SLACK_ID_MAX, "%s", name);
		return 0;
	}
	if ((code = account_pages(a, "users.conversations", params, "channels", 0, NULL, 0,
		 channel_each, &names, err)) != 0)
		return code;
	if (names.found[0] == '\0')
		return plugin_fail(err, DROVER_PERMANENT,
		    "slack: the bot is in no channel %.80s: invite it", name);
	memcpy(id, names.found, SLACK_ID_MAX);
	return 0;
}

int
channel_list(struct account *a, char (**ids)[SLACK_ID_MAX], size_t *n, struct drover_error *err)
{
	static const struct param params[] = { { "types", TYPES }, { "exclude_archived", "true" },
		{ "limit", "200" }, { NULL, NULL } };
	const struct drover_host_option *option = a->scope->host->option;
	size_t i, count = option->count(a->scope, "channels");
	struct names names = { .name = NULL };
	int code = 0;

	*n = 0;
	*ids = names.ids = xcalloc(PLACES_MAX, SLACK_ID_MAX);
	if (count == 0)
		code = account_pages(a, "users.conversations", params, "channels", 0, NULL, 0,
		    channel_each, &names, err);
	for (i = 0; i < count && names.n < PLACES_MAX; i++) {
		if ((code = channel_find(a, option->item(a->scope, "channels", i),
			 names.ids[names.n], err)) == 0) {
			names.n++;
			continue;
		}
		if (code != DROVER_PERMANENT)
			break;
		/* If one name is wrong, the other channels are still read. */
		plugin_log(a->scope, DROVER_WARN, "option channels: %s", err->text);
		code = 0;
	}
	if (code != 0) {
		free(*ids);
		*ids = NULL;
		return code;
	}
	*n = names.n;
	return 0;
}
