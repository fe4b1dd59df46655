/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON over HTTP, for the plugins of drover's that talk to a vendor: one struct
 * web for each account, and answers as parsed trees of limited depth. Retries,
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
#define WEB_DEPTH_MAX 64 /* of JSON; a deeper answer is refused */

/*
 * A vendor as one credential sees it. It is made for one callback, and its
 * strings are borrowed.
 */
struct web {
	struct drover_scope *scope;
	const char *base; /* URL with a path prefix, without a slash at its end */
	const char *credential; /* name for limits and cache, never the secret itself */
	const char *authorization;             /* value of the header Authorization, or NULL */
	const char *accept;                    /* NULL means application/json */
	/*
	 * Further headers of every request; if key is NULL, value is the whole
	 * line "Name: value".
	 */
	struct drover_field headers[WEB_HEADERS_MAX];
	size_t headers_len;
	void (*judge)(void *arg, struct drover_scope *, const struct drover_http_response *,
	    struct drover_http_verdict *);
	void *arg;
};

struct web_ask {
	const char *method;                    /* NULL means GET */
	const char *path;                      /* as in struct drover_http_request */
	const cJSON *body;                     /* or NULL */
	/*
	 * Sent as application/x-www-form-urlencoded instead of body, or NULL.
	 */
	const char *form;
	const char *accept;                    /* NULL means that of the struct web */
	uint32_t flags;                        /* DROVER_HTTP_* */
	const struct drover_http_limit *limits;
	uint64_t limits_len;
	uint64_t max;                          /* 0 means the host's default */
	int64_t patience_ms;                   /* 0 means the host's default */
};

struct web_answer {
	int status;
	/*
	 * NULL if the body is empty or accept is not JSON. Freed by
	 * web_answer_free().
	 */
	cJSON *json;
	char *next;                            /* the link rel="next" of the header Link, or NULL */
	const char *body;                      /* raw bytes; live until the scope's next request */
	uint64_t body_len;
	struct drover_http_response response;
};

/*
 * Adds the lines "Name: value" of the scope's option `extra_headers` to w's
 * headers. Returns 0, or DROVER_CONFIG if one has another form.
 */
int web_extra_headers(struct web *, struct drover_error *);
/*
 * Sends a request. Returns 0 and an answer for every status that the judge
 * calls good, if the body was JSON or empty, or accept is not JSON. A 2xx with
 * another body, such as a login page or a truncated body, is AGAIN "URL:
 * answered HTML, not JSON"; JSON deeper than WEB_DEPTH_MAX is PERMANENT.
 */
int web_send(struct web *, const struct web_ask *, struct web_answer *, struct drover_error *);
void web_answer_free(struct web_answer *);
/* True if the status is 2xx. */
bool web_is_good(const struct web_answer *);
/*
 * Fills err from a status that the caller cannot use, with the vendor's message
 * in it: 404 and 410 give PERMANENT, 401 and 403 AUTH, 409 AGAIN, 422 and other
 * 4xx PERMANENT. Returns the class.
 */
int web_refused(const struct web_answer *, const char *what, struct drover_error *);

/*
 * Reads all pages of a list, following the header Link, at most pages of them
 * (0 means 50). each() is called with every element of the array that at names
 * (NULL means the whole body); it returns 0 to go on, 1 to stop, or a class. An
 * empty page with a next page is skipped. A 200 without a body is AGAIN, not an
 * empty list.
 */
int web_pages(struct web *, const struct web_ask *, const char *at, int pages,
    int (*each)(void *arg, const cJSON *element, struct drover_error *), void *arg,
    struct drover_error *);

/*
 * Members of an object: "" or 0 if the member is missing or has another type.
 * json_id() returns a number up to 2^53 or a string as text, else "".
 */
cJSON *json_get(const cJSON *object, const char *key);
const char *json_text(const cJSON *object, const char *key);
double json_number(const cJSON *object, const char *key);
bool json_true(const cJSON *object, const char *key);
/* by path, as in "user.login"; NULL if missing */
const cJSON *json_at(const cJSON *object, const char *path);
const char *json_text_at(const cJSON *object, const char *path);
void json_id(const cJSON *object, const char *key, char *out, size_t size);
/*
 * Parses JSON. Integers above 2^53 keep their digits, because they become
 * strings. Returns NULL with AGAIN if the text is not JSON, and with PERMANENT
 * if it is nested deeper than WEB_DEPTH_MAX or has more than a million values.
 */
cJSON *json_read(const char *text, size_t len, struct drover_error *);

/*
 * Functions that make JSON. If there is no memory, the process ends. An object
 * or array takes over what is put into it; texts are copied. A member with the
 * same key is replaced.
 */
cJSON *json_object(void);
cJSON *json_array(void);
/* Returns the item. */
cJSON *json_put(cJSON *object, const char *key, cJSON *item);
/* A value of NULL adds no member. */
void json_put_text(cJSON *object, const char *key, const char *value);
void json_put_number(cJSON *object, const char *key, double value);
void json_put_bool(cJSON *object, const char *key, bool value);
void json_push(cJSON *array, cJSON *item);
void json_push_text(cJSON *array, const char *value);
/* Returns the JSON as one line. The caller frees it. */
char *json_print(const cJSON *);

#endif
