/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host->http: asks the core whether a request may be sent now, sends it, judges
 * the answer, and tries again within the request's time. Only this file decides
 * what may be tried again, and when.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/retry.h"
#include "base/text.h"
#include "host/http/http.h"
#include "host/service.h"

#define HTTP_BACKOFF_MS 1000ll       /* doubles with each try */
#define HTTP_BACKOFF_MAX_MS 30000ll
#define HTTP_RETRY_MAX_MS 86400000ll /* the longest that a judge may ask for */
#define HTTP_TRIES 10
#define HTTP_REDIRECTS 3

static int host_http_send(struct drover_scope *, const struct drover_http_request *,
    struct drover_http_response *, struct drover_error *);
static const char *host_http_header(struct drover_scope *, const struct drover_http_response *,
    const char *);
static struct http *http_of(struct scope *);
static int http_try(struct http_call *, struct drover_http_verdict *, bool *judged, struct error *);
static int http_redirect(struct http_call *, struct error *);
static int http_next(struct http_call *, struct error *);
static void http_answer_out(const struct http_call *, struct drover_http_response *);
static bool http_judge(struct http_call *, struct drover_http_verdict *);
static int64_t http_backoff(int tries, int64_t retry_after);
static bool http_again(const struct http_call *, const struct drover_http_verdict *, bool judged,
    int64_t *wait);
static void http_log(const struct http_call *, int64_t began, const char *failed);
static int http_carry_out(struct http_call *, struct error *);

const struct drover_host_http host_http = {
	.size = sizeof host_http,
	.send = host_http_send,
	.header = host_http_header,
};

static void
http_end(struct scope *scope)
{
	struct http *http = scope->http;

	if (http == NULL)
		return;
	http_close(http);
	buf_free(&http->answer.body);
	buf_free(&http->answer.headers);
	free(http->url);
	free(http->next);
	free(http);
	scope->http = NULL;
}

static struct http *
http_of(struct scope *scope)
{
	if (scope->http == NULL) {
		scope->http = xcalloc(1, sizeof *scope->http);
		scope_on_end(scope, http_end);
		for (int i = 0; i < HTTP_SOCKETS_MAX; i++)
			scope->http->sockets[i] = -1;
	}
	return scope->http;
}

/* Logs one line for each try. It never contains a header, a body or a query. */
static void
http_log(const struct http_call *call, int64_t began, const char *failed)
{
	static const char *const ids[] = { "x-github-request-id", "x-arequestid", "atl-traceid",
		"x-slack-req-id", "fly-request-id", "x-request-id" };
	char url[512], status[16], ms[24], tries[16], bytes[24];
	struct drover_field fields[8] = {
		{ "method", call->r.method },
		{ "url", http_shown(call->url, url, sizeof url) },
		{ "status", status },
		{ "ms", ms },
		{ "tries", tries },
		{ "bytes", bytes },
	};
	size_t n = 6;
	const char *id = NULL;

	(void)snprintf(status, sizeof status, "%d", call->http->answer.status);
	(void)snprintf(ms, sizeof ms, "%" PRId64, clock_mono() - began);
	(void)snprintf(tries, sizeof tries, "%d", call->tries);
	(void)snprintf(bytes, sizeof bytes, "%zu", call->http->answer.body.len);
	for (size_t i = 0; i < ARRAY_LEN(ids) && id == NULL; i++)
		id = http_header(&call->http->answer, ids[i]);
	if (id != NULL)
		fields[n++] = (struct drover_field){ "request_id", id };
	if (failed != NULL)
		fields[n++] = (struct drover_field){ "error", failed };
	log_line(&call->scope->log, DROVER_DEBUG, "http", fields, n);
}

static void
http_answer_out(const struct http_call *call, struct drover_http_response *out)
{
	const struct http *http = call->http;

	*out = (struct drover_http_response){ .size = sizeof *out,
		.status = http->answer.status,
		.body = buf_str(&http->answer.body),
		.body_len = http->answer.body.len,
		.url = http->url != NULL ? http->url : "",
		.next = http->next,
		.not_modified = call->not_modified,
		.tries = call->tries,
		.opaque = http->serial };
}

/*
 * Lets the plugin's judge look at the answer. True when the judge changed the
 * verdict.
 */
static bool
http_judge(struct http_call *call, struct drover_http_verdict *v)
{
	struct drover_http_verdict own = *v;
	struct drover_http_response response;

	if (call->r.judge == NULL)
		return false;
	http_answer_out(call, &response);
	call->http->judging = true;
	call->r.judge(call->r.arg, &call->scope->public, &response, v);
	call->http->judging = false;
	v->text[sizeof v->text - 1] = '\0';
	/*
	 * With an invalid name the pause covers the whole credential, which is
	 * safer than no pause.
	 */
	if (v->limit != NULL && service_line(v->limit, "limit", DROVER_NAME_MAX, true, NULL) != 0)
		v->limit = NULL;
	if (v->code > 0 || v->code < DROVER_INTERNAL)
		v->code = DROVER_INTERNAL;
	if (v->retry_after_ms < 0)
		v->retry_after_ms = 0;
	if (v->retry_after_ms > HTTP_RETRY_MAX_MS)
		v->retry_after_ms = HTTP_RETRY_MAX_MS;
	return v->code != own.code || v->retry_after_ms != own.retry_after_ms ||
	    strcmp(v->text, own.text) != 0;
}

/*
 * Returns 1 when the request goes on at another path of its origin, 0 when the
 * answer is not a redirect, and -1 when the redirect is not followed.
 */
static int
http_redirect(struct http_call *call, struct error *err)
{
	const struct http_answer *answer = &call->http->answer;
	const char *location = http_header(answer, "location");
	char *to, *origin, shown[256];
	int rc = -1;

	if (answer->status != 301 && answer->status != 302 && answer->status != 303 &&
	    answer->status != 307 && answer->status != 308)
		return 0;
	to = location != NULL ? http_resolve(call->url, location) : NULL;
	origin = to != NULL ? http_origin(to) : NULL;
	http_shown(call->url, shown, sizeof shown);
	if (origin == NULL)
		error_set(err, DROVER_PERMANENT, "%s: answered %d without a valid Location", shown,
		    answer->status);
	else if (strcmp(origin, call->origin) != 0)
		error_set(err, DROVER_PERMANENT,
		    "%s: redirects to another origin, %.200s: not followed", shown, origin);
	else if (strcmp(call->r.method, "GET") != 0 && strcmp(call->r.method, "HEAD") != 0)
		error_set(err, DROVER_PERMANENT,
		    "%s: %s is redirected (%d) on the same host: not followed", shown,
		    call->r.method, answer->status);
	else if (call->redirects == HTTP_REDIRECTS)
		error_set(err, DROVER_PERMANENT, "%s: redirects more than %d times", shown,
		    HTTP_REDIRECTS);
	else {
		call->redirects++;
		free(call->url);
		call->url = to;
		to = NULL;
		rc = 1;
	}
	free(to);
	free(origin);
	return rc;
}

/*
 * Takes the next page from the header Link. A page of another origin fails the
 * request.
 */
static int
http_next(struct http_call *call, struct error *err)
{
	struct http *http = call->http;
	const char *p = http->answer.headers.data, *end = p + http->answer.headers.len, *value;
	char *target = NULL, *whole, *origin;
	int rc = 0;

	for (; p != NULL && p < end && target == NULL; p = value + strlen(value) + 1) {
		value = p + strlen(p) + 1;
		if (strcmp(p, "link") == 0)
			target = http_link_next(value);
	}
	if (target == NULL)
		return 0;
	whole = http_resolve(call->url, target);
	origin = whole != NULL ? http_origin(whole) : NULL;
	if (origin == NULL || strcmp(origin, call->origin) != 0) {
		rc = error_set(err, DROVER_PERMANENT,
		    "%s: the next page is at another origin, %.200s: not followed", call->origin,
		    origin != NULL ? origin : "no URL");
	} else if (strncmp(target, "http", 4) == 0) {
		http->next = target;
		target = NULL;
	} else {
		http->next = whole;
		whole = NULL;
	}
	free(target);
	free(whole);
	free(origin);
	return rc;
}

/* One exchange and its verdict. -1 when there is no time left for one. */
static int
http_try(struct http_call *call, struct drover_http_verdict *v, bool *judged, struct error *err)
{
	struct http *http = call->http;
	int64_t began = clock_mono(), left = call->until - began;
	struct http_try try = { .method = call->r.method,
		.url = call->url,
		.headers = call->headers,
		.body = call->r.body,
		.body_len = call->r.body_len,
		.max = call->max,
		.once = (call->r.flags & DROVER_HTTP_ONCE) != 0,
		.loopback = call->loopback };
	struct http_kept kept;
	struct curl_slist condition = { .next = call->headers };
	char *line = NULL;
	int rc;

	*judged = false;
	if (left <= 0)
		return error_set(err, DROVER_AGAIN, "http: the request's time is over");
	try.timeout_ms = left < call->timeout_ms ? left : call->timeout_ms;
	call->tries++;
	free(http->url);
	free(http->next);
	http->url = xstrdup(call->url);
	http->next = NULL;
	http->serial++;
	call->not_modified = false;
	if (http_cache_get(call, &kept)) {
		line = xasprintf("If-None-Match: %s", kept.etag);
		condition.data = line;
		try.headers = &condition;
	}
	rc = http_exchange(call->scope, http, &try, &http->answer, err);
	call->sent = try.sent;
	http_log(call, began, rc != 0 ? err->text : NULL);
	if (rc == 0 && line != NULL && http->answer.status == 304) {
		call->not_modified = true;
		http_cache_apply(&kept, &http->answer);
	}
	http_cache_free(&kept);
	free(line);
	if (rc != 0) {
		memset(v, 0, sizeof *v);
		v->size = sizeof *v;
		v->code = err->code;
		(void)text_copy(v->text, sizeof v->text, err->text);
		return 0;
	}
	http_verdict(&http->answer, clock_wall(), v);
	*judged = http_judge(call, v);
	return 0;
}

/*
 * The wait before the next try, with full jitter, and never shorter than the
 * server asked for.
 */
static int64_t
http_backoff(int tries, int64_t retry_after)
{
	int64_t most = retry_delay(HTTP_BACKOFF_MS, HTTP_BACKOFF_MAX_MS, tries);
	uint32_t random;
	char hex[9];

	random = (uint32_t)strtoul(text_random_hex(hex, 4), NULL, 16);
	if (retry_after > 0)
		return retry_after +
		    random % (retry_after / 10 < 1000 ? retry_after / 10 + 1 : 1000);
	return random % (most + 1);
}

/* Whether to try again; *wait is the wait before that. */
static bool
http_again(const struct http_call *call, const struct drover_http_verdict *v, bool judged,
    int64_t *wait)
{
	if (v->code != DROVER_AGAIN && v->code != DROVER_QUOTA)
		return false;
	*wait = http_backoff(call->tries, v->retry_after_ms);
	if ((call->r.flags & DROVER_HTTP_ONCE) != 0 && v->code == DROVER_AGAIN && call->sent &&
	    !judged)
		return false;
	return call->tries < HTTP_TRIES && *wait < http_patience(call);
}

static int
http_carry_out(struct http_call *call, struct error *err)
{
	struct drover_http_verdict v;
	bool judged;
	int64_t wait;
	char shown[200];
	int rc;

	for (;;) {
		if ((wait = http_take(call, err)) < 0 || http_pause(call->scope, wait, err) != 0 ||
		    http_try(call, &v, &judged, err) != 0)
			return -1;
		rc = call->http->answer.status != 0 && v.code != DROVER_CANCELLED ?
		    http_redirect(call, err) :
		    0;
		/* A redirect is an answer, so the server is not down. */
		if (rc != 0)
			v.code = rc == 1 ? DROVER_OK : err->code;
		http_tell(call, &v);
		if (rc == -1)
			return -1;
		if (rc == 1)
			continue;
		if (v.code == DROVER_OK) {
			if (http_next(call, err) != 0)
				return -1;
			if (!call->not_modified)
				http_cache_put(call);
			return 0;
		}
		wait = v.retry_after_ms;
		if (!http_again(call, &v, judged, &wait))
			break;
		if (http_pause(call->scope, wait, err) != 0)
			return -1;
	}
	http_shown(call->url, shown, sizeof shown);
	if (strncmp(v.text, "http", 4) == 0)
		error_set(err, v.code, "%s %s", call->r.method, v.text);
	else
		error_set(err, v.code, "%s %s: %s", call->r.method, shown,
		    v.text[0] != '\0' ? v.text : error_class_name(v.code));
	err->retry_after_ms = v.code == DROVER_AGAIN || v.code == DROVER_QUOTA ? wait : 0;
	return -1;
}

static int
host_http_send(struct drover_scope *public, const struct drover_http_request *request,
    struct drover_http_response *response, struct drover_error *out)
{
	struct scope *scope = scope_of(public);
	struct drover_http_response ours = { .size = sizeof ours };
	struct http_call call = { .scope = NULL };
	struct error err = { 0 };
	int rc = -1;

	if (scope->http != NULL && scope->http->judging)
		error_set(&err, DROVER_PERMANENT,
		    "http: a judge must not send requests: the answer that it judges would be "
		    "lost");
	else if (service_out_check(response, "drover_http_response", &err) == 0 &&
	    http_call_begin(&call, scope, request, &err) == 0) {
		call.http = http_of(scope);
		rc = http_carry_out(&call, &err);
		http_answer_out(&call, &ours);
		(void)service_out(response, &ours, sizeof ours, "drover_http_response", &err);
	}
	http_call_end(&call);
	return rc == 0 ? 0 : scope_fail(out, &err);
}

static const char *
host_http_header(struct drover_scope *public, const struct drover_http_response *response,
    const char *name)
{
	struct scope *scope = scope_of(public);
	struct drover_http_response theirs;

	if (scope->http == NULL || name == NULL ||
	    service_in(&theirs, sizeof theirs, response,
		SERVICE_LEAST(drover_http_response, opaque), "drover_http_response", NULL) != 0 ||
	    theirs.opaque != scope->http->serial)
		return NULL;
	return http_header(&scope->http->answer, name);
}
