/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers: JSON, text, and the envelope that every failure has: {"error":
 * {"code", "message", "class"}}.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "api/server.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/secrets.h"
#include "store/store.h"

static const struct {
	int status;
	const char *code, *reason;
} codes[] = {
	{ 200, "ok", "OK" },
	{ 201, "created", "Created" },
	{ 202, "accepted", "Accepted" },
	{ 400, "bad_request", "Bad Request" },
	{ 403, "forbidden", "Forbidden" },
	{ 404, "not_found", "Not Found" },
	{ 405, "method_not_allowed", "Method Not Allowed" },
	{ 409, "refused", "Conflict" },
	{ 422, "invalid", "Unprocessable Entity" },
	{ 500, "internal", "Internal Server Error" },
	{ 502, "upstream", "Bad Gateway" },
	{ 503, "unavailable", "Service Unavailable" },
	{ 507, "disk_full", "Insufficient Storage" },
};

static const struct {
	int class, status;
} statuses[] = {
	{ DROVER_AGAIN, 503 },
	{ DROVER_QUOTA, 503 },
	{ DROVER_AUTH, 502 },
	{ DROVER_CONFIG, 422 },
	{ DROVER_HUMAN, 409 },
	{ DROVER_CANCELLED, 409 },
	{ DROVER_FENCED, 409 },
	{ DROVER_INTERNAL, 500 },
};

static void reply_bytes(struct request *, int status, const char *type, const void *, size_t);
static void reply_deferred(void *arg, const struct error *failed);
static bool reply_says_disk_full(const char *text);
static const char *reply_code(int status);
static void reply_error(struct request *, int status, const char *code, const struct error *);
/* HTTP status for a class; refusal is the one for PERMANENT. */
static int reply_status(const struct error *, int refusal);

void
reply_json(struct request *r, int status, cJSON *json)
{
	char *text;
	size_t len;

	json_hide(json);
	text = json_print(json);
	len = strlen(text);
	cJSON_Delete(json);
	text = xrealloc(text, len + 2);
	memcpy(text + len, "\n", 2);
	reply_bytes(r, status, "application/json", text, len + 1);
	free(text);
}

void
reply_text(struct request *r, int status, const char *type, const struct buf *text)
{
	struct buf shown = BUF_INIT;

	buf_add(&shown, buf_str(text), text->len);
	secrets_hide(&shown);
	reply_bytes(r, status, type, buf_str(&shown), shown.len);
	buf_free(&shown);
}

static void
reply_error(struct request *r, int status, const char *code, const struct error *err)
{
	cJSON *envelope = cJSON_CreateObject(), *e = cJSON_AddObjectToObject(envelope, "error");
	char seconds[24];

	json_add_str(e, "code", code);
	json_add_str(e, "message", err->text);
	json_add_str(e, "class", error_class_name(err->code));
	if (err->retry_after_ms > 0 && r->http != NULL) {
		snprintf(seconds, sizeof seconds, "%lld",
		    (long long)((err->retry_after_ms + 999) / 1000));
		evhttp_add_header(evhttp_request_get_output_headers(r->http), "Retry-After",
		    seconds);
	}
	reply_json(r, status, envelope);
}

void
reply_failure(struct request *r, const struct error *err)
{
	int refusal = r->route != NULL ? r->route->refusal : 422;
	int status = r->status != 0 ? r->status : reply_status(err, refusal);
	const char *code = reply_code(status);

	if (r->route != NULL && status == refusal)
		code = r->route->refusal_code;
	if (r->code != NULL)
		code = r->code;
	reply_error(r, status, code, err);
}

int
reply_committed(struct request *r, int status, cJSON *answer)
{
	r->status = status;
	r->answer = answer;
	core_defer(r->api->core, reply_deferred, r);
	return 0;
}

static int
reply_status(const struct error *err, int refusal)
{
	if (err->code == DROVER_PERMANENT)
		return refusal;
	if (err->code == DROVER_AGAIN && reply_says_disk_full(err->text))
		return 507;
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
		if (statuses[i].class == err->code)
			return statuses[i].status;
	return 500;
}

static const char *
reply_code(int status)
{
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i].status == status)
			return codes[i].code;
	return "internal";
}

static void
reply_deferred(void *arg, const struct error *failed)
{
	struct request *r;
	cJSON *answer;

	OBJ_CAST(r, arg, REQUEST_MAGIC);
	if (failed != NULL) {
		r->status = reply_status(failed, 503);
		if (r->status == 500)
			r->status = 503;
		reply_failure(r, failed);
		return;
	}
	answer = r->answer;
	r->answer = NULL;
	reply_json(r, r->status, answer);
}

static void
reply_bytes(struct request *r, int status, const char *type, const void *data, size_t len)
{
	struct evkeyvalq *headers;
	struct evbuffer *body;
	const char *reason = "";

	if (r->http != NULL) {
		headers = evhttp_request_get_output_headers(r->http);
		evhttp_add_header(headers, "Content-Type", type);
		evhttp_add_header(headers, "Cache-Control", "no-store");
		evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
		for (size_t i = 0; i < ARRAY_LEN(codes); i++)
			if (codes[i].status == status)
				reason = codes[i].reason;
		if (r->api != NULL && status >= 100 && status < 600)
			r->api->answers[status / 100]++;
		MUST((body = evbuffer_new()) != NULL);
		if (evhttp_request_get_command(r->http) != EVHTTP_REQ_HEAD)
			MUST(evbuffer_add(body, data, len) == 0);
		evhttp_send_reply(r->http, status, reason, body);
		evbuffer_free(body);
	}
	request_free(r);
}

/*
 * A full disk has the same class as a busy one; only the text tells them apart.
 */
static bool
reply_says_disk_full(const char *text)
{
	return strstr(text, STORE_FULL) != NULL || strstr(text, strerror(ENOSPC)) != NULL ||
	    strstr(text, strerror(EDQUOT)) != NULL;
}
