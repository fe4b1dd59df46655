/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What servers write into headers, and URLs that came from outside: whatever it
 * is, a wait stays bounded and an origin is kept.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "host/http/http.h"

#define NOW 1795000000000ll
#define DAY 86400000ll

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);
static void bounded(int64_t);

static void
bounded(int64_t wait)
{
	if (wait < -1 || wait > DAY)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = xstrndup((const char *)data, len), *next, *url, *origin;
	struct http_answer answer = { .status = len > 0 ? 100 + data[0] * 2 : 0 };
	struct drover_http_verdict v;
	struct error err = { 0 };
	bool loopback;

	bounded(http_retry_after(text, 0, NOW));
	bounded(http_retry_after(text, NOW - DAY, NOW));
	bounded(http_reset(text, 0, NOW));
	bounded(http_reset(text, NOW + DAY, NOW));
	if ((next = http_link_next(text)) != NULL && (*next == '\0' || strlen(next) > HTTP_URL_MAX))
		abort();
	free(next);
	if ((url = http_url("https://api.example/v3", text, &loopback, &err)) != NULL) {
		origin = http_origin(url);
		if (origin == NULL || strcmp(origin, "https://api.example:443") != 0 ||
		    strpbrk(url, " \r\n") != NULL)
			abort();
		free(origin);
	}
	free(url);
	free(http_resolve("https://api.example/v3/a?b", text));
	free(http_url(text, "/a", &loopback, &err));
	/* Names and values in turn, as the transport keeps them. */
	buf_add(&answer.headers, "retry-after", 12);
	buf_add(&answer.headers, text, strlen(text) + 1);
	buf_add(&answer.headers, "ratelimit-reason", 17);
	buf_add(&answer.headers, text, strlen(text) + 1);
	http_verdict(&answer, NOW, &v);
	bounded(v.retry_after_ms);
	buf_free(&answer.headers);
	free(text);
	return 0;
}
