/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the plugins of ours that speak JSON over HTTP share: one client for each
 * vendor's account, its answers as parsed trees of bounded depth. Retries,
 * limits and the cache are the host's (struct drover_host_http).
 */
#ifndef COMMON_WEB_H
#define COMMON_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <drover/plugin.h>

#include "common/mem.h"
#include "common/text.h"

#define WEB_HEADERS_MAX 24
#define WEB_DEPTH_MAX 64 /* of JSON; deeper is refused */

/*
 * A vendor as one credential sees it. Borrowed strings; made for one callback.
 */
struct web {
	struct drover_scope *scope;
	const char *base;                      /* URL with path prefix, no slash at the end */
	const char *credential;                /* name for limits and cache, never the secret */
	const char *authorization;             /* value of that header, or NULL */
	const char *accept;                    /* NULL: application/json */
	struct drover_field headers[WEB_HEADERS_MAX]; /* more of them, of every request; key NULL:
							 value is the whole "Name: value" */
	size_t headers_len;
	void (*judge)(void *arg, struct drover_scope *, const struct drover_http_response *,
	    struct drover_http_verdict *);
	void *arg;
};

struct web_ask {
	const char *method;                    /* NULL: GET */
	const char *path;                      /* as drover_http_request.path */
	const cJSON *body;                     /* NULL: none */
	const char *form; /* application/x-www-form-urlencoded instead of body, or NULL */
	const char *accept;                    /* NULL: the web's */
	uint32_t flags;                        /* DROVER_HTTP_* */
	const struct drover_http_limit *limits;
	uint64_t limits_len;
	uint64_t max;                          /* 0: the host's */
	int64_t patience_ms;                   /* 0: the host's */
};

struct web_answer {
	int status;
	cJSON *json; /* NULL where the body is empty or was not asked to be JSON; the caller's:
			web_answer_free */
	char *next;                            /* header Link, rel="next", or NULL */
	const char *body;                      /* raw; lives until the scope's next request */
	uint64_t body_len;
	struct drover_http_response response;
};

/*
 * Adds option `extra_headers` ("Name: value") of the scope to w's headers.
 * CONFIG for one that is none.
 */
int web_extra_headers(struct web *, struct drover_error *);
/*
 * 0 and an answer for every status that judge calls good; its body was JSON, or
 * empty, or accept is none of JSON. A 2xx with another body (a login page, a
 * truncated one) is AGAIN "URL: answered HTML, not JSON"; deeper than
 * WEB_DEPTH_MAX PERMANENT.
 */
int web_send(struct web *, const struct web_ask *, struct web_answer *, struct drover_error *);
void web_answer_free(struct web_answer *);
/* Whether the status is 2xx. */
bool web_is_good(const struct web_answer *);
/*
 * Fills err from a status that the caller does not want: 404 and 410 PERMANENT,
 * 401 and 403 AUTH, 409 AGAIN, 422 and other 4xx PERMANENT, with the vendor's
 * message in it. Returns the class.
 */
int web_refused(const struct web_answer *, const char *what, struct drover_error *);

/*
 * All pages of a list by Link, at most pages (0: 50): each is called with every
 * element of the array that at (NULL: the whole body) names. each returns 0 to
 * go on, 1 to stop, or a class. An empty page with a next is walked over; a 200
 * without a body is AGAIN, and no empty list.
 */
int web_pages(struct web *, const struct web_ask *, const char *at, int pages,
    int (*each)(void *arg, const cJSON *element, struct drover_error *), void *arg,
    struct drover_error *);

/*
 * Members, bounded: "" or 0 where there is none or of another type. json_id: a
 * number up to 2^53 or a string as text, else "".
 */
cJSON *json_get(const cJSON *object, const char *key);
const char *json_text(const cJSON *object, const char *key);
double json_number(const cJSON *object, const char *key);
bool json_true(const cJSON *object, const char *key);
const cJSON *json_at(const cJSON *object, const char *path); /* "user.login"; NULL: none */
const char *json_text_at(const cJSON *object, const char *path);
void json_id(const cJSON *object, const char *key, char *out, size_t size);
/*
 * Integers above 2^53 keep their digits: they come as strings. NULL for what is
 * no JSON (AGAIN), nested deeper than WEB_DEPTH_MAX or of a million values
 * (PERMANENT).
 */
cJSON *json_read(const char *text, size_t len, struct drover_error *);

/*
 * Making JSON; without memory the process ends. An object or array takes over
 * what is put into it, and texts are copied. What had that key is replaced.
 */
cJSON *json_object(void);
cJSON *json_array(void);
/* Returns the item. */
cJSON *json_put(cJSON *object, const char *key, cJSON *item);
/* A value that is NULL is left out. */
void json_put_text(cJSON *object, const char *key, const char *value);
void json_put_number(cJSON *object, const char *key, double value);
void json_put_bool(cJSON *object, const char *key, bool value);
void json_push(cJSON *array, cJSON *item);
void json_push_text(cJSON *array, const char *value);
/* On one line; the caller frees. */
char *json_print(const cJSON *);

#endif
