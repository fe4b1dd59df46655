/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the payload of exec.command: ["argv", ...] or {"argv": [...], "env":
 * {...}, "input": "...", "timeout": "10m", "scratch": true}. Unknown members
 * are refused, because ignoring one would change what runs.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec.h"

#define ARGV_MAX 4096

struct member {
	const char *name;
	int (*set)(struct request *, const cJSON *, struct drover_error *);
};

static int request_argv(struct request *, const cJSON *, struct drover_error *);
static int request_env(struct request *, const cJSON *, struct drover_error *);
static int request_input(struct request *, const cJSON *, struct drover_error *);
static int request_timeout(struct request *, const cJSON *, struct drover_error *);
static int request_scratch(struct request *, const cJSON *, struct drover_error *);
static bool request_is_variable(const char *);
static int request_member(struct request *, const cJSON *, struct drover_error *);

static const struct member members[] = {
	{ "argv", request_argv },
	{ "env", request_env },
	{ "input", request_input },
	{ "timeout", request_timeout },
	{ "scratch", request_scratch },
};

static int
request_argv(struct request *r, const cJSON *value, struct drover_error *err)
{
	const cJSON *word;
	int n = cJSON_IsArray(value) ? cJSON_GetArraySize(value) : 0, i = 0;

	if (n == 0 || n > ARGV_MAX)
		return plugin_fail(err, DROVER_PERMANENT,
		    "payload: argv must be a list of 1 to %d strings", ARGV_MAX);
	r->argv = xcalloc((size_t)n + 1, sizeof(*r->argv));
	cJSON_ArrayForEach(word, value) {
		if (!cJSON_IsString(word))
			return plugin_fail(err, DROVER_PERMANENT,
			    "payload: argv[%d] is not a string", i);
		r->argv[i++] = word->valuestring;
	}
	if (r->argv[0][0] == '\0')
		return plugin_fail(err, DROVER_PERMANENT, "payload: argv[0] is empty");
	return 0;
}

static bool
request_is_variable(const char *name)
{
	if (!isalpha((unsigned char)*name) && *name != '_')
		return false;
	while (isalnum((unsigned char)*name) || *name == '_')
		name++;
	return *name == '\0';
}

static int
request_env(struct request *r, const cJSON *value, struct drover_error *err)
{
	struct text_buf line = { 0 };
	const cJSON *variable;
	size_t i = 0;

	if (!cJSON_IsObject(value))
		return plugin_fail(err, DROVER_PERMANENT,
		    "payload: env must be an object of strings");
	r->env = xcalloc((size_t)cJSON_GetArraySize(value) + 1, sizeof(*r->env));
	cJSON_ArrayForEach(variable, value) {
		if (!request_is_variable(variable->string))
			return plugin_fail(err, DROVER_PERMANENT,
			    "payload: env: \"%.64s\" is not a name for a variable",
			    variable->string);
		if (!cJSON_IsString(variable))
			return plugin_fail(err, DROVER_PERMANENT,
			    "payload: env: %.64s is not a string", variable->string);
		text_addf(&line, "%s=%s", variable->string, variable->valuestring);
		r->env[i++] = text_take(&line);
	}
	return 0;
}

static int
request_input(struct request *r, const cJSON *value, struct drover_error *err)
{
	if (!cJSON_IsString(value))
		return plugin_fail(err, DROVER_PERMANENT, "payload: input must be a string");
	r->input = value->valuestring;
	return 0;
}

static int
request_timeout(struct request *r, const cJSON *value, struct drover_error *err)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
	const char *text = cJSON_IsString(value) ? value->valuestring : "";
	int64_t number = 0;
	size_t digits, i;

	for (digits = 0; digits < 9 && isdigit((unsigned char)text[digits]); digits++)
		number = number * 10 + (text[digits] - '0');
	for (i = 0; i < ARRAY_LEN(units); i++)
		if (number > 0 && strcmp(text + digits, units[i].unit) == 0) {
			r->timeout_ms = number * units[i].ms;
			return 0;
		}
	return plugin_fail(err, DROVER_PERMANENT,
	    "payload: timeout must be a duration such as \"90s\", \"10m\" or \"2h\"");
}

static int
request_scratch(struct request *r, const cJSON *value, struct drover_error *err)
{
	if (!cJSON_IsBool(value))
		return plugin_fail(err, DROVER_PERMANENT, "payload: scratch must be true or false");
	r->scratch = cJSON_IsTrue(value);
	return 0;
}

static int
request_member(struct request *r, const cJSON *member, struct drover_error *err)
{
	const cJSON *other;
	size_t i;

	for (other = r->json->child; other != member; other = other->next)
		if (strcmp(other->string, member->string) == 0)
			return plugin_fail(err, DROVER_PERMANENT,
			    "payload: \"%.64s\" is given twice", member->string);
	for (i = 0; i < ARRAY_LEN(members); i++)
		if (strcmp(members[i].name, member->string) == 0)
			return members[i].set(r, member, err);
	return plugin_fail(err, DROVER_PERMANENT,
	    "payload: \"%.64s\" is unknown; there are argv, env, input, timeout and scratch",
	    member->string);
}

int
request_parse(struct request *r, const char *payload, uint64_t len, struct drover_error *err)
{
	const char *end = NULL;
	const cJSON *member;

	*r = (struct request){ 0 };
	if (len > DROVER_PAYLOAD_MAX)
		return plugin_fail(err, DROVER_PERMANENT, "payload: it is larger than %d bytes",
		    DROVER_PAYLOAD_MAX);
	/* A string of cJSON ends at a NUL, so the rest of it would be lost. */
	if (memmem(payload, len, "\\u0000", 6) != NULL || memchr(payload, '\0', len) != NULL)
		return plugin_fail(err, DROVER_PERMANENT, "payload: it contains a NUL");
	r->json = cJSON_ParseWithLengthOpts(payload, len, &end, 0);
	while (r->json != NULL && end < payload + len && isspace((unsigned char)*end))
		end++;
	if (r->json == NULL || end != payload + len)
		return plugin_fail(err, DROVER_PERMANENT, "payload: not valid JSON at byte %td",
		    end != NULL ? end - payload : 0);
	if (cJSON_IsArray(r->json))
		return request_argv(r, r->json, err);
	if (!cJSON_IsObject(r->json))
		return plugin_fail(err, DROVER_PERMANENT,
		    "payload: it must be a list or an object");
	cJSON_ArrayForEach(member, r->json)
		if (request_member(r, member, err) != 0)
			return err->code;
	if (r->argv == NULL)
		return plugin_fail(err, DROVER_PERMANENT, "payload: argv is missing");
	return 0;
}

void
request_free(struct request *r)
{
	size_t i;

	for (i = 0; r->env != NULL && r->env[i] != NULL; i++)
		free(r->env[i]);
	free(r->env);
	free(r->argv);
	cJSON_Delete(r->json);
	*r = (struct request){ 0 };
}
