/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of host->http share. State is per scope, so that no two
 * processes and no two threads ever use one connection.
 */
#ifndef HOST_HTTP_HTTP_H
#define HOST_HTTP_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include <curl/curl.h>

#include "base/buf.h"
#include "base/error.h"
#include "host/scope.h"

/* The calls of libcurl, which is loaded when it is first used: http_load.c. */
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

/* NULL and DROVER_CONFIG when this system has no libcurl. */
const struct http_curl *http_curl(struct error *);

#define HTTP_SOCKETS_MAX 16
#define HTTP_URL_MAX 8192

/* An answer as it came. */
struct http_answer {
	int status;
	struct buf body;             /* decoded */
	struct buf headers;          /* "name\0value\0" in order, names in lower case */
};

struct http {
	CURLM *multi; /* with its connections; NULL until first used, and in a fork */
	CURL *easy;
	int sockets[HTTP_SOCKETS_MAX]; /* of its connections, -1: free place */
	uint64_t serial;             /* counts answers */
	struct http_answer answer;   /* the last */
	char *url, *next;            /* of the last */
	unsigned writes;             /* to the cache */
	bool judging;                /* the last: by the plugin, which must not replace it */
};

/* One try. */
struct http_try {
	const char *method, *url;
	struct curl_slist *headers;
	const char *body;
	uint64_t body_len;
	int64_t timeout_ms;          /* more than 0 */
	uint64_t max;                /* bytes of decoded body */
	bool once; /* no connection that was used before: libcurl would repeat the request by itself
		    */
	bool loopback;               /* the peer must be one */
	bool sent;                   /* out: some of it went out */
};

/* A request as it was checked, while it is carried out. */
struct http_call {
	struct scope *scope;
	struct http *http;
	struct drover_http_request r;
	char *url, *origin;          /* url changes by a redirect */
	const char *credential;
	bool loopback;
	struct curl_slist *headers;
	int64_t until;               /* monotonic: no try and no wait goes on for longer */
	int64_t timeout_ms;
	uint64_t max;
	int tries, redirects;
	bool sent;                   /* the last try may have done something */
	bool not_modified;
};

/*
 * http_request.c: 0, or -1 with PERMANENT or CONFIG. Ended by http_call_end
 * either way.
 */
int http_call_begin(struct http_call *, struct scope *, const struct drover_http_request *,
    struct error *);
void http_call_end(struct http_call *);

/* http_core.c: what the core is asked and told; nothing without a core. */
/*
 * ms that may be waited so that a try has time after it: the last quarter of
 * the request's time, at most 5 s, is kept for it.
 */
int64_t http_patience(const struct http_call *);
/*
 * ms to wait before the request, which is counted now. -1: QUOTA (paused, or
 * over patience) or AGAIN (the breaker is open).
 */
int64_t http_take(const struct http_call *, struct error *);
void http_tell(const struct http_call *, const struct drover_http_verdict *);

/*
 * http_curl.c: the transport. 0 and the answer, whatever its status; else -1:
 * AGAIN, CANCELLED, PERMANENT (over max), CONFIG.
 */
int http_exchange(struct scope *, struct http *, struct http_try *, struct http_answer *,
    struct error *);
/* Waits, and lets the runner work meanwhile. -1 and CANCELLED. */
int http_pause(struct scope *, int64_t ms, struct error *);
void http_close(struct http *);

/* http_url.c */
/*
 * base + path, or an absolute path of base's origin, as one checked URL; the
 * caller frees. NULL and PERMANENT or CONFIG.
 */
char *http_url(const char *base, const char *path, bool *loopback, struct error *);
/*
 * "https://host:port" of a checked URL, in lower case, the port always there;
 * the caller frees. NULL: no such URL.
 */
char *http_origin(const char *url);
/*
 * What a Location or a Link means at url; the caller frees. NULL: nothing that
 * can be asked for.
 */
char *http_resolve(const char *url, const char *reference);
/*
 * Without query and fragment, for errors and the log: a query may hold a
 * secret. Writes into out and returns it.
 */
const char *http_shown(const char *url, char *out, size_t size);

/* http_cache.c */
struct http_kept {
	struct http_answer answer;
	const char *etag;            /* in its headers */
};
/*
 * What is kept for the request as it stands; true: the caller ends it with
 * http_cache_free.
 */
bool http_cache_get(const struct http_call *, struct http_kept *);
void http_cache_free(struct http_kept *);
/*
 * A 304 becomes the kept answer; headers of the 304 go before kept ones. Takes
 * the body.
 */
void http_cache_apply(struct http_kept *, struct http_answer *);
/*
 * Keeps the last answer where it may be kept. What cannot be written is not
 * kept, and that is all.
 */
void http_cache_put(const struct http_call *);

/*
 * http_link.c: the target of rel="next" in a header Link, or NULL; the caller
 * frees.
 */
char *http_link_next(const char *header);

/* http_verdict.c */
/* A header of an answer, any case; NULL: none. */
const char *http_header(const struct http_answer *, const char *name);
/* What an answer means unless a judge knows better; now is wall ms. */
void http_verdict(const struct http_answer *, int64_t now, struct drover_http_verdict *);
/*
 * ms to wait by Retry-After (seconds or a date), -1 where it says nothing. date
 * is the server's clock, 0: none.
 */
int64_t http_retry_after(const char *value, int64_t date, int64_t now);
/*
 * ms to wait by a reset: seconds, epoch seconds, or ISO to the minute or the
 * second; -1: none of these.
 */
int64_t http_reset(const char *value, int64_t date, int64_t now);

#endif
