/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prometheus text. Tables make it from the status, so that people and scrapers
 * cannot read different numbers.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "api/server.h"
#include "base/json.h"
#include "base/mem.h"
#include "notice/notice.h"

/*
 * A metric is one number at a path of the status. With a label it is one number
 * for each element of an array (labelled with its "name") or of an object
 * (labelled with its key). member is where the number is within an element;
 * NULL means that the element is the number.
 */
static const struct metric {
	const char *name, *type, *help;
	const char *path, *label, *member;
	double scale;
} metrics[] = {
	{ "drover_start_time_seconds", "gauge", "When the core was started, since 1970.",
	    "started_at", NULL, NULL, 0.001 },
	{ "drover_jobs", "gauge", "Jobs by state.", "queue.states", "state", NULL, 1 },
	{ "drover_slots", "gauge", "Jobs that may run at once.", "slots", NULL, NULL, 1 },
	{ "drover_slots_used", "gauge", "Slots in use.", "busy", NULL, NULL, 1 },
	{ "drover_pool_slots", "gauge", "Slots of a pool.", "queue.pools", "pool", "slots", 1 },
	{ "drover_pool_running", "gauge", "Running jobs of a pool.", "queue.pools", "pool", "used",
	    1 },
	{ "drover_pool_waiting", "gauge", "Jobs that wait for a pool.", "queue.pools", "pool",
	    "waiting", 1 },
	{ "drover_kind_running", "gauge", "Running jobs of a kind.", "queue.kinds", "kind", "used",
	    1 },
	{ "drover_kind_waiting", "gauge", "Waiting jobs of a kind.", "queue.kinds", "kind",
	    "waiting", 1 },
	{ "drover_refused_total", "counter", "Items of people who may not start work.", "refused",
	    "source", NULL, 1 },
	{ "drover_commits_total", "counter", "Transactions of the store.", "commits", NULL, NULL,
	    1 },
	{ "drover_memory_available_bytes", "gauge", "MemAvailable of the machine.",
	    "memory_available", NULL, NULL, 1 },
	{ "drover_plugin_http_waited_seconds_total", "counter",
	    "Time that requests of plugins waited for limits.", "http.waited_ms", NULL, NULL,
	    0.001 },
	{ "drover_plugin_http_accounts", "gauge", "Origins and credentials that plugins ask.",
	    "http.accounts", NULL, NULL, 1 },
	{ "drover_plugin_http_rates", "gauge", "Rates that are kept for these accounts.",
	    "http.rates", NULL, NULL, 1 },
	{ "drover_disk_free_bytes", "gauge", "Free space of the state folder.", "disk_free", NULL,
	    NULL, 1 },
};

/*
 * A series has one sample for each element of an array of objects, labelled
 * with several of its members.
 */
static const struct series {
	const char *name, *type, *help;
	const char *path;
	const char *labels[4];       /* names of members, NULL-terminated */
	const char *value;           /* name of the member; NULL for the value 1 */
} series[] = {
	{ "drover_plugin_http_requests_total", "counter",
	    "Requests of plugins by class.", "http.requests",
	    { "plugin", "origin", "class", NULL }, "count" },
	{ "drover_plugin_http_not_modified_total", "counter",
	    "Answers of plugins' requests that were 304.", "http.not_modified",
	    { "plugin", "origin", NULL }, "count" },
	{ "drover_plugin_http_breaker_open", "gauge",
	    "1 while requests to this origin are stopped after failures in a row.", "http.breakers",
	    { "origin", "credential", NULL }, NULL },
	{ "drover_plugin_http_paused", "gauge", "1 while requests wait for this limit to reset.",
	    "http.pauses", { "origin", "credential", "limit", NULL }, NULL },
};

static void metrics_write_series(struct buf *, const struct series *, const cJSON *status);
static void metrics_write_metric(struct buf *, const struct metric *, const cJSON *status);
static void metrics_write_sample(struct buf *, const struct metric *, const char *label,
    const cJSON *value);
static void metrics_write_label(struct buf *, const char *);

int
metrics_get(struct request *r, struct error *err)
{
	const struct core *core = r->api->core;
	cJSON *status = r->api->verbs->status(r->api->daemon);
	struct buf out = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(metrics); i++)
		metrics_write_metric(&out, &metrics[i], status);
	for (size_t i = 0; i < ARRAY_LEN(series); i++)
		metrics_write_series(&out, &series[i], status);
	cJSON_Delete(status);
	buf_addf(&out,
	    "# HELP drover_ready 1 while new jobs may start.\n# TYPE drover_ready "
	    "gauge\ndrover_ready %d\n",
	    core->mode == CORE_RUNNING && core->store_error[0] == '\0');
	buf_adds(&out, "# HELP drover_http_requests_total Answers of the API by class of status.\n"
	    "# TYPE drover_http_requests_total counter\n");
	for (size_t i = 1; i < ARRAY_LEN(r->api->answers); i++)
		buf_addf(&out, "drover_http_requests_total{code=\"%zuxx\"} %" PRIu64 "\n", i,
		    r->api->answers[i]);
	intake_metrics(r->api, &out);
	notices_metrics(core->notices, &out);
	reply_text(r, 200, "text/plain; version=0.0.4; charset=utf-8", &out);
	buf_free(&out);
	return 0;
}

static void
metrics_write_series(struct buf *out, const struct series *s, const cJSON *status)
{
	const cJSON *at = json_path(status, s->path), *one;

	if (at == NULL)
		return;
	buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", s->name, s->help, s->name, s->type);
	cJSON_ArrayForEach(one, at) {
		buf_adds(out, s->name);
		for (size_t i = 0; s->labels[i] != NULL; i++) {
			buf_addf(out, "%s%s=\"", i == 0 ? "{" : ",", s->labels[i]);
			metrics_write_label(out, json_str(one, s->labels[i], ""));
			buf_addc(out, '"');
		}
		buf_addf(out, "} %" PRId64 "\n", s->value != NULL ? json_int(one, s->value, 0) : 1);
	}
}

static void
metrics_write_metric(struct buf *out, const struct metric *m, const cJSON *status)
{
	const cJSON *at = json_path(status, m->path), *one;

	if (at == NULL)
		return;
	buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name, m->type);
	if (m->label == NULL) {
		metrics_write_sample(out, m, NULL, at);
		return;
	}
	cJSON_ArrayForEach(one, at)
		metrics_write_sample(out, m,
		    cJSON_IsArray(at) ? json_str(one, "name", "") : one->string,
		    m->member != NULL ? json_get(one, m->member) : one);
}

static void
metrics_write_sample(struct buf *out, const struct metric *m, const char *label, const cJSON *value)
{
	if (!cJSON_IsNumber(value) || !isfinite(value->valuedouble))
		return;
	buf_adds(out, m->name);
	if (label != NULL) {
		buf_addf(out, "{%s=\"", m->label);
		metrics_write_label(out, label);
		buf_adds(out, "\"}");
	}
	buf_addf(out, " %.15g\n", value->valuedouble * m->scale);
}

static void
metrics_write_label(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '\n') {
			buf_adds(out, "\\n");
			continue;
		}
		if (*s == '"' || *s == '\\')
			buf_addc(out, '\\');
		buf_addc(out, *s);
	}
}
