/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks a plugin's request before any of it is sent, because much of it comes
 * from outside.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/secrets.h"
#include "base/text.h"
#include "host/http/http.h"
#include "host/service.h"

#define HTTP_TIMEOUT_MS 30000
#define HTTP_PATIENCE_MS 60000
#define HTTP_PATIENCE_POLL_MS 20000
#define HTTP_PATIENCE_MAX_MS (24 * 60 * 60 * 1000ll)
#define HTTP_MAX_BYTES (8u * 1024 * 1024)
#define HTTP_HEADERS_MAX 64
#define HTTP_LIMITS_MAX 4
#define HTTP_METHOD_MAX 16

static int http_request_method(const char *, struct error *);
static void http_request_line(struct http_call *, const char *);
static int http_request_header(struct http_call *, const struct drover_field *, struct error *);
static int http_request_limits(const struct drover_http_request *, struct error *);
static void http_request_times(struct http_call *);

static int
http_request_method(const char *method, struct error *err)
{
	size_t len = method != NULL ? strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") : 0;

	if (len == 0 || len > HTTP_METHOD_MAX || method[len] != '\0' ||
	    strcmp(method, "CONNECT") == 0)
		return error_set(err, DROVER_PERMANENT,
		    "http: method must be one of GET, POST and so on, in capital letters");
	return 0;
}

static void
http_request_line(struct http_call *call, const char *line)
{
	const struct http_curl *curl = http_curl(NULL);
	struct curl_slist *more = curl != NULL ? curl->slist_append(call->headers, line) : NULL;

	MUST(more != NULL);
	call->headers = more;
}

/* A line break in a header's value would begin another header. */
static int
http_request_header(struct http_call *call, const struct drover_field *field, struct error *err)
{
	static const char token[] =
	    "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	static const char *const ours[] = { "Host", "Content-Length", "User-Agent", "If-None-Match",
		"Transfer-Encoding", "Connection", "Accept-Encoding", "Expect", "TE", "Upgrade",
		"Proxy-Authorization" };
	const char *key = field->key != NULL ? field->key : "";
	char *line, shown[64];

	if (field->key == NULL || *field->key == '\0' || strlen(field->key) > DROVER_KEY_MAX ||
	    field->key[strspn(field->key, token)] != '\0') {
		text_show_in(shown, sizeof shown, key, strlen(key));
		return error_set(err, DROVER_PERMANENT, "http: invalid header name \"%s\"", shown);
	}
	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		if (strcasecmp(field->key, ours[i]) == 0)
			return error_set(err, DROVER_PERMANENT,
			    "http: header %s is set by drover: leave it out", ours[i]);
	}
	if (field->value == NULL || strnlen(field->value, DROVER_VALUE_MAX + 1) > DROVER_VALUE_MAX)
		return error_set(err, DROVER_PERMANENT,
		    "http: header %.64s has no value, or one that is longer than %d bytes",
		    field->key, DROVER_VALUE_MAX);
	for (const char *p = field->value; *p != '\0'; p++) {
		if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f)
			return error_set(err, DROVER_PERMANENT,
			    "http: header %.64s contains a control character", field->key);
	}
	line = *field->value != '\0' ? xasprintf("%s: %s", field->key, field->value) :
				       xasprintf("%s;", field->key);
	http_request_line(call, line);
	free_wiped(line);
	return 0;
}

static int
http_request_limits(const struct drover_http_request *r, struct error *err)
{
	if (r->limits_len > HTTP_LIMITS_MAX || (r->limits_len > 0 && r->limits == NULL))
		return error_set(err, DROVER_PERMANENT, "http: more than %d limits",
		    HTTP_LIMITS_MAX);
	for (uint64_t i = 0; i < r->limits_len; i++) {
		if (service_line(r->limits[i].name, "name of a limit", DROVER_NAME_MAX, false,
			err) != 0)
			return -1;
		if (r->limits[i].count == 0 || r->limits[i].per_ms <= 0 ||
		    r->limits[i].per_ms > HTTP_PATIENCE_MAX_MS)
			return error_set(err, DROVER_PERMANENT,
			    "http: limit %s needs a count, and a time of at most a day",
			    r->limits[i].name);
	}
	return 0;
}

static void
http_request_times(struct http_call *call)
{
	const struct scope *scope = call->scope;
	bool polls = scope->role == SCOPE_SOURCE && scope->emit != NULL;
	int64_t patience = call->r.patience_ms;

	if (patience <= 0)
		patience = polls ? HTTP_PATIENCE_POLL_MS : HTTP_PATIENCE_MS;
	if (patience > HTTP_PATIENCE_MAX_MS)
		patience = HTTP_PATIENCE_MAX_MS;
	call->until = clock_mono() + patience;
	if (scope->deadline_ms != 0 && scope->deadline_ms < call->until)
		call->until = scope->deadline_ms;
	call->timeout_ms = call->r.timeout_ms > 0 && call->r.timeout_ms <= HTTP_PATIENCE_MAX_MS ?
	    call->r.timeout_ms :
	    HTTP_TIMEOUT_MS;
	call->max = call->r.max > 0 ? call->r.max : HTTP_MAX_BYTES;
	if (call->max > INT32_MAX)
		call->max = INT32_MAX;
}

int
http_call_begin(struct http_call *call, struct scope *scope,
    const struct drover_http_request *request, struct error *err)
{
	struct drover_http_request *r = &call->r;
	bool typed = false;

	memset(call, 0, sizeof *call);
	call->scope = scope;
	if (http_curl(err) == NULL)
		return -1;
	if (service_in(r, sizeof *r, request, SERVICE_LEAST(drover_http_request, arg),
		"drover_http_request", err) != 0 ||
	    http_request_method(r->method, err) != 0 || http_request_limits(r, err) != 0 ||
	    service_line(r->credential, "http: credential", DROVER_KEY_MAX, true, err) != 0)
		return -1;
	call->credential = r->credential != NULL ? r->credential : "";
	if (r->headers_len > HTTP_HEADERS_MAX || (r->headers_len > 0 && r->headers == NULL))
		return error_set(err, DROVER_PERMANENT, "http: more than %d headers",
		    HTTP_HEADERS_MAX);
	for (uint64_t i = 0; i < r->headers_len; i++) {
		if (http_request_header(call, &r->headers[i], err) != 0)
			return -1;
		typed = typed || strcasecmp(r->headers[i].key, "Content-Type") == 0;
	}
	/*
	 * Without the first line libcurl would wait a second for a "100
	 * Continue", which few servers send. Without the second it would name a
	 * type that the body does not have.
	 */
	http_request_line(call, "Expect:");
	if (!typed)
		http_request_line(call, "Content-Type:");
	if (r->body == NULL && r->body_len > 0)
		return error_set(err, DROVER_PERMANENT,
		    "http: body is NULL, but its length is not 0");
	if (r->body != NULL && (strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0))
		return error_set(err, DROVER_PERMANENT, "http: a %s request must not have a body",
		    r->method);
	if (r->body != NULL && (r->flags & DROVER_HTTP_SECRET_BODY) == 0) {
		buf_add(&call->shown, r->body, (size_t)r->body_len);
		secrets_hide(&call->shown);
		r->body = buf_str(&call->shown);
		r->body_len = call->shown.len;
	}
	if ((call->url = http_url(r->base, r->path, &call->loopback, err)) == NULL)
		return -1;
	if ((call->origin = http_origin(call->url)) == NULL)
		return error_set(err, DROVER_PERMANENT, "http: base and path do not make a URL");
	http_request_times(call);
	return 0;
}

void
http_call_end(struct http_call *call)
{
	const struct http_curl *curl;

	for (struct curl_slist *h = call->headers; h != NULL; h = h->next)
		explicit_bzero(h->data, strlen(h->data));
	if (call->headers != NULL && (curl = http_curl(NULL)) != NULL)
		curl->slist_free_all(call->headers);
	free(call->url);
	free(call->origin);
	buf_free(&call->shown);
	memset(call, 0, sizeof *call);
}
