/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl is opened with dlopen() when a process first needs it, and is never
 * closed. droverd is not linked with it, because it brings in twenty other
 * libraries: there would be 240 mappings instead of 135, and an empty fork()
 * and its end would take 1.5 times as long (0.49 ms instead of 0.32 ms, glibc
 * 2.36). Workers and jobs are forks of a runner, and most of them never use
 * HTTP.
 *
 * A shared object of ours that is linked with libcurl would save the table of
 * functions. But it would have to be installed, and found in a build folder,
 * and it would need a table in the other direction for what it uses of the
 * core.
 */
#include <pthread.h>
#include <stddef.h>

#include "base/library.h"
#include "base/mem.h"
#include "host/http/http.h"

#define CURL_LIBRARY "libcurl.so.4"

static void http_load_curl(void);

/* Filled once by http_load_curl(), read-only afterwards. */
static struct http_curl loaded;
static bool is_loaded;

static void
http_load_curl(void)
{
	static const struct library_call calls[] = {
#define X(call) { "curl_" #call, offsetof(struct http_curl, call) },
		HTTP_CURL_CALLS(X)
#undef X
	};

	is_loaded = library_load(CURL_LIBRARY, calls, ARRAY_LEN(calls), &loaded) == 0 &&
	    loaded.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

const struct http_curl *
http_curl(struct error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, http_load_curl);
	if (is_loaded)
		return &loaded;
	error_set(err, DROVER_CONFIG,
	    "http: " CURL_LIBRARY " (libcurl 7.66 or newer) cannot be loaded: install it");
	return NULL;
}
