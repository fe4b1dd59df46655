/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probes: a plugin's operation "probe" says whether its credentials work and
 * which rights are missing. It is called when the runner becomes ready, every
 * PROBE_AGAIN_MS while something is wrong, and by `drover secret check`.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "super/calls.h"
#include "super/probes.h"

#define PROBE_AGAIN_MS 300000
#define PROBE_SAID_MAX 200     /* bytes of one check's text that a log line shows */

struct probing {
	struct supervisor *supervisor;
	uint64_t runner;           /* serial of the runner that was asked */
};

static void probe_answered(void *, int code, const char *text, size_t len);
static void probe_say(const struct runner_handle *);

void
probe_forget(struct runner_handle *r)
{
	cJSON_Delete(r->probe.reply);
	memset(&r->probe, 0, sizeof r->probe);
}

void
probe_start(struct runner_handle *r)
{
	struct probing *probing;
	char operation[DROVER_NAME_MAX + 8];

	r->probe.due = 0;
	if (call_operation(r, "probe") == NULL)
		return;
	probing = xcalloc(1, sizeof *probing);
	probing->supervisor = r->supervisor;
	probing->runner = r->serial;
	snprintf(operation, sizeof operation, "%s.probe", r->plugin);
	calls_ask(r->supervisor, operation, "{}", 2, probe_answered, probing);
}

int64_t
probe_tick(struct runner_handle *r, int64_t now)
{
	if (r->state != RUNNER_READY || r->probe.due == 0)
		return -1;
	if (now < r->probe.due)
		return r->probe.due - now;
	probe_start(r);
	return -1;
}

/*
 * A reply that is not an object with a boolean "ok" counts as a failed probe.
 */
cJSON *
probe_read(int code, const char *text, size_t len)
{
	struct error err = { 0 };
	cJSON *reply = code == DROVER_OK ? json_parse(text, len, DROVER_PAYLOAD_MAX, &err) : NULL,
	      *check;

	if (cJSON_IsObject(reply) && cJSON_IsBool(json_get(reply, "ok")))
		return reply;
	cJSON_Delete(reply);
	reply = cJSON_CreateObject();
	json_add_bool(reply, "ok", false);
	cJSON_AddItemToArray(cJSON_AddArrayToObject(reply, "checks"), check = cJSON_CreateObject());
	json_add_str(check, "what", "probe");
	json_add_bool(check, "ok", false);
	if (code != DROVER_OK)
		json_add_str(check, "text", text);
	else
		json_add_str(check, "text",
		    err.text[0] != '\0' ? err.text : "the reply of the probe has no \"ok\"");
	return reply;
}

static void
probe_answered(void *arg, int code, const char *text, size_t len)
{
	struct probing *probing = arg;
	struct runner_handle *r;

	TAILQ_FOREACH(r, &probing->supervisor->runners, link)
		if (r->serial == probing->runner && r->state == RUNNER_READY)
			probe_take_reply(r, probe_read(code, text, len));
	free(probing);
}

void
probe_take_reply(struct runner_handle *r, cJSON *reply)
{
	char *before = r->probe.reply != NULL ? json_print(r->probe.reply) : NULL,
	     *after = json_print(reply);

	cJSON_Delete(r->probe.reply);
	r->probe.reply = reply;
	r->probe.at = clock_wall();
	r->probe.due = json_bool(reply, "ok", false) ? 0 : clock_mono() + PROBE_AGAIN_MS;
	if (before == NULL || strcmp(before, after) != 0)
		probe_say(r);
	free(before);
	free(after);
}

static void
probe_say(const struct runner_handle *r)
{
	struct log_scope scope = r->supervisor->log;
	const cJSON *check;
	struct buf line = BUF_INIT;

	scope.plugin = r->plugin;
	if (json_bool(r->probe.reply, "ok", false)) {
		log_printf(&scope, DROVER_NOTICE, "probe: %s%s%s%s",
		    *json_str(r->probe.reply, "as", "") != '\0' ? "works as " : "works",
		    json_str(r->probe.reply, "as", ""),
		    *json_str(r->probe.reply, "base", "") != '\0' ? " at " : "",
		    json_str(r->probe.reply, "base", ""));
		return;
	}
	probe_missing(r, &line);
	log_printf(&scope, DROVER_ERR, "probe: %s", buf_str(&line));
	buf_free(&line);
	cJSON_ArrayForEach(check, json_get(r->probe.reply, "checks"))
		if (json_bool(check, "ok", false))
			log_printf(&scope, DROVER_DEBUG, "probe: %s: %s",
			    json_str(check, "what", "?"), json_str(check, "text", "ok"));
}

void
probe_missing(const struct runner_handle *r, struct buf *out)
{
	const cJSON *check;
	const char *text;

	cJSON_ArrayForEach(check, json_get(r->probe.reply, "checks")) {
		if (json_bool(check, "ok", false))
			continue;
		if (out->len > 0)
			buf_adds(out, "; ");
		text = json_str(check, "what", "?");
		text_show(out, text, strlen(text), DROVER_NAME_MAX);
		buf_adds(out, ": ");
		text = json_str(check, "text", "failed");
		text_show(out, text, strlen(text), PROBE_SAID_MAX);
	}
	if (out->len == 0)
		buf_adds(out, "the probe failed, and no check says why");
}
