/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routes for the daemon as a whole: health, status, pauses, draining,
 * reloading, and calls to plugins.
 */
#include <stdlib.h>
#include <string.h>

#include "api/server.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "config/keys.h"
#include "notice/notice.h"

/* A search for a name among those that exist. */
struct name_search {
	const char *wanted;
	bool found;
	bool told;                   /* a name of the wanted one's plugin was among them */
	size_t distance;             /* edit distance of nearest */
	char nearest[2 * DROVER_NAME_MAX + 2];
};

static cJSON *control_mode_object(const struct core *);
static int control_what_read(struct request *, const char **what, struct error *);
static void control_secrets_answered(void *arg, const cJSON *checks);
static void control_call_answered(void *arg, int code, const char *text, size_t len);

int
control_health(struct request *r, struct error *err)
{
	if (r->api->core->store_error[0] != '\0')
		return error_set(err, DROVER_AGAIN, "the store takes no commits: %s",
		    r->api->core->store_error);
	reply_json(r, 200, control_mode_object(r->api->core));
	return 0;
}

int
control_ready(struct request *r, struct error *err)
{
	if (r->api->core->mode != CORE_RUNNING)
		return error_set(err, DROVER_AGAIN, "the daemon is %s",
		    core_mode_name(r->api->core->mode));
	return control_health(r, err);
}

int
control_status(struct request *r, struct error *err)
{
	reply_json(r, 200, r->api->verbs->status(r->api->daemon));
	return 0;
}

int
control_pauses(struct request *r, struct error *err)
{
	cJSON *answer = cJSON_CreateObject();

	cJSON_AddItemToObject(answer, "pauses", queue_pauses(r->api->core->queue));
	reply_json(r, 200, answer);
	return 0;
}

/* Notes whether a name is the wanted one, or the nearest to it so far. */
static void
name_search_take(void *arg, const char *name)
{
	struct name_search *search = arg;
	size_t distance = keys_distance(search->wanted, name),
	       len = strcspn(search->wanted, ".");

	search->told =
	    search->told || (strncmp(name, search->wanted, len) == 0 && name[len] == '.');
	search->found = search->found || strcmp(search->wanted, name) == 0;
	if (distance >= search->distance)
		return;
	search->distance = distance;
	(void)text_copy(search->nearest, sizeof search->nearest, name);
}

/*
 * Any kind of a plugin that has not declared its kinds yet is accepted: a user
 * may want to pause what is only starting.
 */
static void
name_search_take_kinds(struct name_search *search, struct core *core)
{
	char plugin[DROVER_NAME_MAX + 1];
	size_t len = strcspn(search->wanted, ".");

	queue_each_kind(core->queue, name_search_take, search);
	if (!search->told && search->wanted[len] == '.' && len < sizeof plugin) {
		memcpy(plugin, search->wanted, len);
		plugin[len] = '\0';
		search->found = search->found || config_plugin(core->config, plugin) != NULL;
	}
}

/*
 * Refuses a pause of something that does not exist, because it would hold back
 * nothing.
 */
static int
control_what_known(struct core *core, const char *what, struct error *err)
{
	const struct config *c = core->config;
	size_t type = what != NULL ? strcspn(what, "/") : 0;
	struct name_search search = { .wanted =
					  what != NULL && what[type] == '/' ? what + type + 1 : "",
		.distance = SIZE_MAX };
	int i;

	if (*search.wanted == '\0')
		return 0;
	if (strncmp(what, "pool/", type + 1) == 0)
		for (i = 0; i < c->pools_len; i++)
			name_search_take(&search, c->pools[i].name);
	else if (strncmp(what, "repo/", type + 1) == 0)
		for (i = 0; i < c->repos_len; i++)
			name_search_take(&search, c->repos[i].name);
	else if (strncmp(what, "agent/", type + 1) == 0)
		for (i = 0; i < c->agents_len; i++)
			name_search_take(&search, c->agents[i].name);
	else if (strncmp(what, "kind/", type + 1) == 0)
		name_search_take_kinds(&search, core);
	else
		return 0;
	if (search.found)
		return 0;
	if (search.distance >= strlen(search.wanted) / 3 + 2)
		return error_set(err, DROVER_PERMANENT, "there is no %.80s to pause", what);
	return error_set(err, DROVER_PERMANENT, "there is no %.80s to pause; did you mean %.*s/%s?",
	    what, (int)type, what, search.nearest);
}

int
control_pause(struct request *r, struct error *err)
{
	int64_t ms = json_int(r->body, "for_ms", 0);
	const char *what, *why = json_str(r->body, "why", NULL);
	struct buf reason = BUF_INIT;
	int rc;

	if (control_what_read(r, &what, err) != 0 ||
	    control_what_known(r->api->core, what, err) != 0)
		return -1;
	if (ms < 0)
		return error_set(err, DROVER_PERMANENT,
		    "for_ms must be a number of milliseconds, or 0 to pause until resumed");
	buf_addf(&reason, "by %s", r->by);
	if (why != NULL) {
		buf_adds(&reason, ": ");
		text_show(&reason, why, strlen(why), 200);
	}
	rc = queue_pause(r->api->core->queue, what, ms > 0 ? clock_wall() + ms : 0,
	    buf_str(&reason), err);
	buf_free(&reason);
	return rc != 0 ? -1 : reply_committed(r, 200, cJSON_CreateObject());
}

int
control_resume(struct request *r, struct error *err)
{
	const char *what;

	if (control_what_read(r, &what, err) != 0 ||
	    queue_resume(r->api->core->queue, what, err) != 0)
		return -1;
	return reply_committed(r, 200, cJSON_CreateObject());
}

int
control_drain(struct request *r, struct error *err)
{
	r->api->verbs->drain(r->api->daemon, json_bool(r->body, "stop", false));
	return reply_committed(r, 202, control_mode_object(r->api->core));
}

int
control_undrain(struct request *r, struct error *err)
{
	r->api->verbs->undrain(r->api->daemon);
	return reply_committed(r, 200, control_mode_object(r->api->core));
}

int
control_reload(struct request *r, struct error *err)
{
	struct buf changes = BUF_INIT;
	cJSON *answer, *lines;
	char *line, *rest;

	if (r->api->verbs->reload(r->api->daemon, &changes, err) != 0) {
		buf_free(&changes);
		return -1;
	}
	answer = cJSON_CreateObject();
	lines = cJSON_AddArrayToObject(answer, "changes");
	rest = buf_take(&changes);
	for (char *s = rest; (line = strsep(&s, "\n")) != NULL;)
		if (*line != '\0')
			cJSON_AddItemToArray(lines, cJSON_CreateString(line));
	free(rest);
	return reply_committed(r, 200, answer);
}

int
control_call(struct request *r, struct error *err)
{
	const char *operation = json_str(r->body, "operation", NULL);
	const cJSON *request = json_get(r->body, "request");
	char *text;

	if (operation == NULL || !text_is_kind(operation))
		return error_set(err, DROVER_PERMANENT,
		    "operation must be a string like \"plugin.name\"");
	if (request == NULL)
		text = xstrdup("{}");
	else
		text =
		    cJSON_IsString(request) ? xstrdup(request->valuestring) : json_print(request);
	if (strlen(text) > DROVER_PAYLOAD_MAX) {
		free(text);
		return error_set(err, DROVER_PERMANENT, "request is longer than %d bytes",
		    DROVER_PAYLOAD_MAX);
	}
	r->api->verbs->call(r->api->daemon, operation, text, strlen(text), control_call_answered,
	    r);
	free(text);
	return 0;
}

#define SECRETS_PLUGINS_MAX 256

int
control_secrets(struct request *r, struct error *err)
{
	const cJSON *names = json_get(r->body, "plugins"), *name;
	const char *plugins[SECRETS_PLUGINS_MAX + 1];
	int n = 0;

	cJSON_ArrayForEach(name, names) {
		if (!cJSON_IsString(name) || n == SECRETS_PLUGINS_MAX) {
			r->status = 422;
			return error_set(err, DROVER_PERMANENT,
			    "plugins must be a list of names");
		}
		plugins[n++] = name->valuestring;
	}
	plugins[n] = NULL;
	return r->api->verbs->check_secrets(r->api->daemon, n > 0 ? plugins : NULL,
	    control_secrets_answered, r, err);
}

static void
control_secrets_answered(void *arg, const cJSON *checks)
{
	struct request *r;
	cJSON *answer = cJSON_CreateObject();
	const cJSON *check;
	bool good = true;

	OBJ_CAST(r, arg, REQUEST_MAGIC);
	cJSON_ArrayForEach(check, checks)
		good = good && json_bool(check, "ok", false);
	json_add_bool(answer, "ok", good);
	cJSON_AddItemToObject(answer, "checks", cJSON_Duplicate(checks, true));
	reply_json(r, 200, answer);
}

int
control_notify_test(struct request *r, struct error *err)
{
	int64_t place;

	if (units_parse_int(r->args[0], 0, INT32_MAX, &place) != 0)
		return error_set(err, DROVER_PERMANENT,
		    "an entry of notify is named by its place, counted from 0");
	return notices_test(r->api->core->notices, (int)place, control_call_answered, r, err);
}

static cJSON *
control_mode_object(const struct core *core)
{
	cJSON *object = cJSON_CreateObject();

	json_add_str(object, "mode", core_mode_name(core->mode));
	return object;
}

/*
 * Reads what to pause: NULL for everything, else "pool/NAME" and the like,
 * which the queue checks.
 */
static int
control_what_read(struct request *r, const char **what, struct error *err)
{
	const cJSON *value = json_get(r->body, "what");

	*what = NULL;
	if (value == NULL || cJSON_IsNull(value))
		return 0;
	if (!cJSON_IsString(value))
		return error_set(err, DROVER_PERMANENT, "what must be a string");
	if (*value->valuestring != '\0')
		*what = value->valuestring;
	return 0;
}

static void
control_call_answered(void *arg, int code, const char *text, size_t len)
{
	struct request *r;
	struct error err = { 0 };
	cJSON *answer, *reply;
	char *copy;

	OBJ_CAST(r, arg, REQUEST_MAGIC);
	if (code != DROVER_OK) {
		error_set(&err, code, "%.*s",
		    (int)(len < sizeof err.text ? len : sizeof err.text - 1), text);
		reply_failure(r, &err);
		return;
	}
	answer = cJSON_CreateObject();
	/* A reply that is not JSON becomes a JSON string. */
	if ((reply = json_parse(text, len, DROVER_PAYLOAD_MAX, NULL)) == NULL) {
		struct buf quoted = BUF_INIT;

		text_json(&quoted, text, len);
		copy = buf_take(&quoted);
		reply = cJSON_CreateRaw(copy);
		free(copy);
	}
	cJSON_AddItemToObject(answer, "reply", reply);
	reply_json(r, 200, answer);
}
