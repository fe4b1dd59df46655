/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of host->http share. http.c carries a request out and calls
 * the other files, each under its name below. All state belongs to one scope,
 * so that a connection is never used by two processes or threads.
 */
#ifndef HOST_HTTP_HTTP_H
#define HOST_HTTP_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include <curl/curl.h>

#include "base/buf.h"
#include "base/error.h"
#include "host/scope.h"

/* The functions of libcurl, which is loaded on first use: http_load.c. */
#define HTTP_CURL_CALLS(X) \
	X(easy_cleanup) \
	X(easy_getinfo) X(easy_init) X(easy_reset) X(easy_setopt) X(easy_strerror) X(free) \
	    X(getdate) X(global_init) X(multi_add_handle) X(multi_cleanup) X(multi_info_read) \
		X(multi_init) X(multi_perform) X(multi_poll) X(multi_remove_handle) \
		    X(slist_append) X(slist_free_all) X(url) X(url_cleanup) X(url_get) X(url_set)

struct http_curl {
#define X(call) __typeof__(curl_##call) *call;
	HTTP_CURL_CALLS(X)
#undef X
};

/*
 * The functions, valid for ever. NULL and CONFIG when libcurl cannot be loaded.
 */
const struct http_curl *http_curl(struct error *);

#define HTTP_SOCKETS_MAX 16
#define HTTP_URL_MAX 8192

/* An answer as it was received. */
struct http_answer {
	int status;
	struct buf body;             /* after decompression */
	/* "name\0value\0" in the order of the answer, names in lower case */
	struct buf headers;
};

struct http {
	CURLM *multi; /* keeps the connections; NULL until the first request, and in a fork */
	CURL *easy;
	int sockets[HTTP_SOCKETS_MAX]; /* sockets of the connections; -1 marks a free entry */
	uint64_t serial;             /* number of answers so far */
	struct http_answer answer;   /* the last answer */
	/* URL of the last answer, and that of its next page, or NULL */
	char *url, *next;
	unsigned writes;             /* number of answers written to the cache */
	/* the judge looks at the last answer, which must not be replaced */
	bool judging;
};

/* One try of a request. */
struct http_try {
	const char *method, *url;
	struct curl_slist *headers;
	const char *body;
	uint64_t body_len;
	int64_t timeout_ms;          /* greater than 0 */
	uint64_t max;                /* bytes that the decompressed body may have */
	/*
	 * use a new connection: on a used one libcurl might repeat the request
	 */
	bool once;
	bool loopback;               /* the peer's address must be a loopback address */
	bool sent;                   /* set by http_exchange(): part of the request was sent */
};

/* A request that passed the checks, while it is carried out. */
struct http_call {
	struct scope *scope;
	struct http *http;
	struct drover_http_request r;
	char *url, *origin;          /* a redirect changes url */
	const char *credential;
	bool loopback;
	struct curl_slist *headers;
	struct buf shown;            /* the body, without secrets */
	int64_t until;               /* monotonic; tries and waits end by then */
	int64_t timeout_ms;
	uint64_t max;
	int tries, redirects;
	bool sent;                   /* the last try may have had an effect */
	bool not_modified;
};

/*
 * http_request.c. Checks a plugin's request and prepares the call. 0, or -1
 * with PERMANENT or CONFIG; http_call_end() is due either way.
 */
int http_call_begin(struct http_call *, struct scope *, const struct drover_http_request *,
    struct error *);
void http_call_end(struct http_call *);

/*
 * http_core.c. Asks the core before a try, and tells it the verdict after.
 * Without a core these do nothing.
 */

/*
 * How many ms may be waited so that a try still has time afterwards: a quarter
 * of the remaining time, at most 5 s, is reserved for it.
 */
int64_t http_patience(const struct http_call *);
/*
 * Counts a request against its limits and returns the ms to wait before it is
 * sent. -1 with QUOTA (paused, or the wait is too long) or AGAIN (the breaker
 * is open).
 */
int64_t http_take(const struct http_call *, struct error *);
/* Tells the core the verdict on a try; an error is ignored. */
void http_tell(const struct http_call *, const struct drover_http_verdict *);

/*
 * http_curl.c. One exchange with the server. 0 and the answer, whatever its
 * status; else -1 with AGAIN, CANCELLED, PERMANENT (longer than max) or CONFIG.
 */
int http_exchange(struct scope *, struct http *, struct http_try *, struct http_answer *,
    struct error *);
/* Waits ms, and lets the runner work meanwhile. 0, or -1 and CANCELLED. */
int http_pause(struct scope *, int64_t ms, struct error *);
/* Closes the connections. */
void http_close(struct http *);

/* http_url.c. The strings that these return are the caller's to free. */

/*
 * Makes a checked URL of base and path; path may also be an absolute URL of
 * base's origin. *loopback tells whether the host is a loopback address. NULL
 * and PERMANENT or CONFIG.
 */
char *http_url(const char *base, const char *path, bool *loopback, struct error *);
/*
 * The origin "https://host:port" of a checked URL, in lower case and always
 * with the port. NULL when the text is not such a URL.
 */
char *http_origin(const char *url);
/*
 * Resolves a Location or a Link against url. NULL when the result cannot be
 * requested.
 */
char *http_resolve(const char *url, const char *reference);
/*
 * Writes url without its query and fragment to out and returns out: for errors
 * and the log, because a query may contain a secret.
 */
const char *http_shown(const char *url, char *out, size_t size);

/* http_cache.c. An answer of the cache; http_cache_free() ends it. */
struct http_kept {
	struct http_answer answer;
	const char *etag;            /* borrowed from answer.headers */
};
/*
 * Looks up the answer that is kept for the request. When it returns true,
 * http_cache_free() is due.
 */
bool http_cache_get(const struct http_call *, struct http_kept *);
void http_cache_free(struct http_kept *);
/*
 * Turns a 304 into the kept answer, whose body it takes over. Headers of the
 * 304 take precedence over kept ones.
 */
void http_cache_apply(struct http_kept *, struct http_answer *);
/*
 * Keeps the last answer if it may be kept. When it cannot be written, it is not
 * kept; that is no error.
 */
void http_cache_put(const struct http_call *);

/*
 * http_link.c. The target of rel="next" in a header Link, which the caller
 * frees; NULL if there is none.
 */
char *http_link_next(const char *header);

/*
 * http_verdict.c. A header of an answer, whatever the case of name; NULL if the
 * answer has none.
 */
const char *http_header(const struct http_answer *, const char *name);
/*
 * The verdict on an answer, which the plugin's judge may overrule. now is wall
 * ms.
 */
void http_verdict(const struct http_answer *, int64_t now, struct drover_http_verdict *);
/*
 * The ms to wait according to Retry-After (seconds or a date); -1 when value is
 * neither. date is the server's clock in wall ms, 0 if it sent none.
 */
int64_t http_retry_after(const char *value, int64_t date, int64_t now);
/*
 * The ms to wait until a reset, which is given as seconds, as epoch seconds or
 * ms, or as an ISO time to the minute or second; -1 when value is none of
 * these.
 */
int64_t http_reset(const char *value, int64_t date, int64_t now);

#endif
