/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fake host's http: answers from a queue, and what was asked on record.
 * Judged as the host would judge, never tried again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <check.h>

#include "fake_host.h"

static struct fake_answer *find(struct fake_outside *, const char *, const char *, bool, bool);
static struct fake_answer *given_before(struct fake_outside *,
    const struct drover_http_request *, const char *);
static void record(struct fake_outside *, const struct drover_http_request *, const char *);
static const char *header_of(struct fake_outside *, const char *);
static void link_next(struct fake_outside *, const char *);
static const struct fake_answer *kept_answer(struct fake_outside *, const struct fake_answer *,
    const char *);
static void judge_as_host(struct fake_outside *, int, struct drover_http_verdict *);

static void
add(struct fake *f, const char *method, const char *path, int status, const char *headers,
    const char *body, bool kept, bool late)
{
	struct fake_outside *o = &f->outside;

	ck_assert_int_lt(o->nanswers, FAKE_ANSWERS);
	o->answers[o->nanswers++] =
	    (struct fake_answer){ method, path, status, headers, body, kept, false, late };
}

void
fake_answer(struct fake *f, const char *method, const char *path_prefix, int status,
    const char *headers, const char *body)
{
	add(f, method, path_prefix, status, headers, body, false, false);
}

void
fake_serve(struct fake *f, const char *method, const char *path_prefix, int status,
    const char *headers, const char *body)
{
	add(f, method, path_prefix, status, headers, body, true, false);
}

void
fake_answer_late(struct fake *f, const char *method, const char *path_prefix, int status,
    const char *headers, const char *body)
{
	add(f, method, path_prefix, status, headers, body, false, true);
}

const struct fake_request *
fake_request(const struct fake *f, const char *method, const char *path_prefix, int n)
{
	for (int i = 0; i < f->outside.nrequests; i++) {
		const struct fake_request *r = &f->outside.requests[i];

		if (strcmp(r->method, method) == 0 &&
		    strncmp(r->path, path_prefix, strlen(path_prefix)) == 0 && n-- == 0)
			return r;
	}
	return NULL;
}

int
fake_requests(const struct fake *f, const char *method, const char *path_prefix)
{
	int n = 0;

	while (fake_request(f, method, path_prefix, n) != NULL)
		n++;
	return n;
}

static struct fake_answer *
find(struct fake_outside *o, const char *method, const char *path, bool kept, bool late)
{
	for (int i = 0; i < o->nanswers; i++) {
		struct fake_answer *a = &o->answers[i];

		if (a->kept == kept && a->late == late && !a->used &&
		    strcmp(a->method, method) == 0 &&
		    strncmp(path, a->path, strlen(a->path)) == 0)
			return a;
	}
	return NULL;
}

/* NULL unless this poll has asked for the path before and may use a cache. */
static struct fake_answer *
given_before(struct fake_outside *o, const struct drover_http_request *request, const char *path)
{
	struct fake_answer *late;

	if ((request->flags & DROVER_HTTP_CACHED) == 0)
		return NULL;
	for (int i = o->nrequests - 1; i >= o->poll_begin; i--) {
		if (o->requests[i].answer == NULL || strcmp(o->requests[i].path, path) != 0 ||
		    strcmp(o->requests[i].method, request->method) != 0)
			continue;
		late = find(o, request->method, path, false, true);
		return late != NULL ? late : o->requests[i].answer;
	}
	return NULL;
}

static void
record(struct fake_outside *o, const struct drover_http_request *request, const char *path)
{
	struct fake_request *r = &o->requests[o->nrequests++];
	size_t used = 0;

	memset(r, 0, sizeof(*r));
	snprintf(r->method, sizeof(r->method), "%s", request->method);
	snprintf(r->path, sizeof(r->path), "%s", path);
	snprintf(r->base, sizeof(r->base), "%s", request->base);
	snprintf(r->credential, sizeof(r->credential), "%s",
	    request->credential != NULL ? request->credential : "");
	for (uint64_t i = 0; i < request->headers_len && used < sizeof(r->headers); i++) {
		ck_assert_ptr_nonnull(request->headers[i].key);
		ck_assert_ptr_nonnull(request->headers[i].value);
		used += (size_t)snprintf(r->headers + used, sizeof(r->headers) - used, "%s: %s\n",
		    request->headers[i].key, request->headers[i].value);
	}
	if (request->body != NULL)
		snprintf(r->body, sizeof(r->body), "%.*s", (int)request->body_len, request->body);
	r->flags = request->flags;
}

static const char *
header_of(struct fake_outside *o, const char *name)
{
	const char *line =
		       o->current != NULL && o->current->headers != NULL ? o->current->headers : "",
		   *value;
	size_t len = strlen(name), end;

	for (; *line != '\0'; line += end + (line[end] == '\n')) {
		end = strcspn(line, "\n");
		if (strncasecmp(line, name, len) != 0 || line[len] != ':')
			continue;
		value = line + len + 1;
		value += strspn(value, " ");
		snprintf(o->header, sizeof(o->header), "%.*s", (int)(line + end - value), value);
		return o->header;
	}
	return NULL;
}

static void
link_next(struct fake_outside *o, const char *base)
{
	const char *link = header_of(o, "Link"),
		   *next = link != NULL ? strstr(link, "rel=\"next\"") : NULL, *from = next, *to;

	o->next[0] = '\0';
	while (from != NULL && from > link && *from != '<')
		from--;
	if (from == NULL || *from != '<' || (to = strchr(from, '>')) == NULL)
		return;
	snprintf(o->next, sizeof(o->next), "%.*s", (int)(to - from - 1), from + 1);
}

/* What a 304 stands for: the last 200 that was given for this path. */
static const struct fake_answer *
kept_answer(struct fake_outside *o, const struct fake_answer *answer, const char *path)
{
	for (int i = o->nanswers - 1; i >= 0; i--) {
		const struct fake_answer *a = &o->answers[i];

		if (a != answer && a->status == 200 && a->used &&
		    strncmp(path, a->path, strlen(a->path)) == 0)
			return a;
	}
	ck_abort_msg("fake: a 304 for %s, and no 200 before it", path);
}

static void
judge_as_host(struct fake_outside *o, int status, struct drover_http_verdict *v)
{
	const char *after = header_of(o, "Retry-After"), *left;
	int64_t wait = after != NULL ? strtoll(after, NULL, 10) * 1000 : 0;
	bool limited = after != NULL;

	left = header_of(o, "x-ratelimit-remaining");
	limited = limited || (left != NULL && strcmp(left, "0") == 0);
	if (status == 401)
		v->code = DROVER_AUTH;
	else if (status == 429 || (status == 403 && limited))
		v->code = DROVER_QUOTA;
	else if (status == 408 || status == 425 || status >= 500)
		v->code = DROVER_AGAIN;
	v->retry_after_ms = v->code == DROVER_QUOTA || v->code == DROVER_AGAIN ? wait : 0;
	if (v->code != 0)
		snprintf(v->text, sizeof(v->text), "answered %d", status);
}

static int
refuse(struct drover_error *err, int code, int64_t wait, const char *method, const char *path,
    const char *text)
{
	err->code = code;
	err->retry_after_ms = wait;
	snprintf(err->text, sizeof(err->text), "fake: %s %.200s: %.200s", method, path, text);
	return code;
}

static int
http_send(struct drover_scope *scope, const struct drover_http_request *request,
    struct drover_http_response *response, struct drover_error *err)
{
	struct fake *f = (struct fake *)scope;
	struct fake_outside *o = &f->outside;
	const struct fake_answer *shown;
	struct drover_http_verdict v = { .size = sizeof(v) };
	const char *path = request->path;
	size_t base = strlen(request->base);
	uint32_t size = response->size;

	f->calls++;
	ck_assert_uint_eq(request->size, sizeof(*request));
	ck_assert_uint_eq(size, sizeof(*response));
	ck_assert_int_lt(o->nrequests, FAKE_ANSWERS);
	fake_step(f);
	if (strncmp(path, request->base, base) == 0 && path[base] == '/')
		path += base;
	if ((o->current = given_before(o, request, path)) == NULL || o->current->late) {
		record(o, request, path);
		if (o->current == NULL &&
		    (o->current = find(o, request->method, path, false, false)) == NULL &&
		    (o->current = find(o, request->method, path, true, false)) == NULL)
			return refuse(err, DROVER_AGAIN, 0, request->method, path,
			    "nothing is there that answers");
		o->current->used = !o->current->kept;
		o->requests[o->nrequests - 1].status = o->current->status;
		o->requests[o->nrequests - 1].answer = o->current;
	}
	/* The outside has done it; who asked may die before it hears of it. */
	fake_step(f);
	if (o->current->status == 0)
		return refuse(err, DROVER_AGAIN, 0, request->method, path, "the connection failed");
	shown = o->current;
	*response = (struct drover_http_response){ .size = size,
		.tries = 1,
		.opaque = (uint64_t)o->nrequests };
	if (o->current->status == 304 && (request->flags & DROVER_HTTP_CACHED) != 0) {
		shown = kept_answer(o, o->current, path);
		response->not_modified = 1;
		o->current = (struct fake_answer *)(uintptr_t)shown;
	}
	snprintf(o->url, sizeof(o->url), "%s%s",
	    path == request->path && *path != '/' ? "" : request->base, path);
	link_next(o, request->base);
	response->status = shown->status;
	response->body = shown->body != NULL ? shown->body : "";
	response->body_len = strlen(response->body);
	response->url = o->url;
	response->next = o->next[0] != '\0' ? o->next : NULL;
	judge_as_host(o, shown->status, &v);
	if (request->judge != NULL)
		request->judge(request->arg, scope, response, &v);
	return v.code != 0 ? refuse(err, v.code, v.retry_after_ms, request->method, path, v.text) :
			     0;
}

static const char *
http_header(struct drover_scope *scope, const struct drover_http_response *response,
    const char *name)
{
	return header_of(&((struct fake *)scope)->outside, name);
}

const struct drover_host_http fake_http = { sizeof(fake_http), http_send, http_header };
