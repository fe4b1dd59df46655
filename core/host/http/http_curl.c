/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP exchange through libcurl. The loop that drives libcurl is here, so
 * that it can watch for a cancel, a deadline and the runner's own work.
 * Connections are kept for the scope's next request; a fork drops them without
 * reading from them.
 */
#include "build.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "host/http/http.h"
#include "host/service.h"

#define HTTP_CONNECT_MS 10000
/* How late a signal is seen that comes between the check and the wait. */
#define HTTP_SLICE_MS   500
/*
 * How long the runner forks nothing while a name is resolved: another thread
 * may hold the resolver's locks.
 */
#define HTTP_RESOLVE_MS 2000
#define HTTP_HEADERS_BYTES (256u * 1024)
#define HTTP_IDLE_S 60L              /* a connection that was idle for longer is not used again */

/* An exchange that is in progress. */
struct exchange {
	struct scope *scope;
	struct http *http;
	struct http_try *try;
	struct http_answer *answer;
	bool too_long, too_many_headers, not_loopback;
	/* since when a name is being resolved, monotonic ms; 0 if it is not */
	int64_t resolving;
};

static struct http *http_make(struct http *, struct error *);
static curl_socket_t exchange_on_open(void *, curlsocktype, struct curl_sockaddr *);
static int exchange_on_close(void *, curl_socket_t);
static int exchange_on_resolve(void *, void *, void *);
static size_t exchange_on_body(char *, size_t, size_t, void *);
static size_t exchange_on_header(char *, size_t, size_t, void *);
static bool sockaddr_loopback(const struct sockaddr *);
static int exchange_set(struct exchange *, int64_t timeout_ms);
static void exchange_set_method(CURL *, const struct http_try *);
static int exchange_run(struct exchange *, int64_t until, CURLcode *, struct error *);
static int exchange_failed(const struct exchange *, CURLcode, const char *, struct error *);

static struct http *
http_make(struct http *http, struct error *err)
{
	const struct http_curl *curl = http_curl(err);

	if (curl == NULL)
		return NULL;
	if (http->multi == NULL)
		http->multi = curl->multi_init();
	if (http->easy == NULL)
		http->easy = curl->easy_init();
	if (http->multi != NULL && http->easy != NULL)
		return http;
	error_set(err, DROVER_AGAIN, "http: libcurl could not be started");
	return NULL;
}

void
http_close(struct http *http)
{
	const struct http_curl *curl = http_curl(NULL);

	if (http->easy != NULL)
		curl->easy_cleanup(http->easy);
	if (http->multi != NULL)
		(void)curl->multi_cleanup(http->multi);
	http->easy = NULL;
	http->multi = NULL;
}

/*
 * Cleaning up would send a goodbye on connections that the parent goes on
 * using, so the handles are only dropped.
 */
void
http_forked(struct scope *scope)
{
	struct http *http = scope->http;

	if (http == NULL)
		return;
	for (int i = 0; i < HTTP_SOCKETS_MAX; i++) {
		if (http->sockets[i] != -1)
			close(http->sockets[i]);
		http->sockets[i] = -1;
	}
	http->easy = NULL;
	http->multi = NULL;
}

static bool
sockaddr_loopback(const struct sockaddr *address)
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)address;
	const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)address;

	if (address->sa_family == AF_INET)
		return ntohl(four->sin_addr.s_addr) >> 24 == 127;
	return address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

/*
 * Every socket is recorded. When the table is full no further socket is opened,
 * because a fork could not close it.
 */
static curl_socket_t
exchange_on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct exchange *x = arg;
	int fd;

	x->resolving = 0;
	x->not_loopback = x->try->loopback && !sockaddr_loopback(&address->addr);
	if (x->not_loopback)
		return CURL_SOCKET_BAD;
	for (int i = 0; i < HTTP_SOCKETS_MAX; i++) {
		if (x->http->sockets[i] != -1)
			continue;
		fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
		x->http->sockets[i] = fd;
		return fd;
	}
	return CURL_SOCKET_BAD;
}

static int
exchange_on_close(void *arg, curl_socket_t fd)
{
	struct http *http = arg;

	for (int i = 0; i < HTTP_SOCKETS_MAX; i++) {
		if (http->sockets[i] == fd)
			http->sockets[i] = -1;
	}
	return close(fd);
}

static int
exchange_on_resolve(void *resolver, void *reserved, void *arg)
{
	struct exchange *x = arg;

	x->resolving = clock_mono();
	return 0;
}

static size_t
exchange_on_body(char *data, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;
	size_t len = size * n;

	if (len > x->try->max - x->answer->body.len) {
		x->too_long = true;
		return 0;
	}
	buf_add(&x->answer->body, data, len);
	return len;
}

/* A status line begins a new answer; the one before was an interim answer. */
static size_t
exchange_on_header(char *data, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;
	struct buf *out = &x->answer->headers;
	size_t len = size * n, name, from = 0, to = len;
	const char *colon;

	if (len >= 5 && memcmp(data, "HTTP/", 5) == 0) {
		buf_clear(out);
		return len;
	}
	if (out->len + len > HTTP_HEADERS_BYTES) {
		x->too_many_headers = true;
		return 0;
	}
	colon = memchr(data, ':', len);
	if (colon == NULL || memchr(data, '\0', len) != NULL)
		return len;
	name = (size_t)(colon - data);
	for (from = name + 1; from < to && (data[from] == ' ' || data[from] == '\t'); from++)
		;
	while (to > from &&
	    (data[to - 1] == '\r' || data[to - 1] == '\n' || data[to - 1] == ' ' ||
		data[to - 1] == '\t'))
		to--;
	for (size_t i = 0; i < name; i++)
		buf_addc(out,
		    data[i] >= 'A' && data[i] <= 'Z' ? (char)(data[i] - 'A' + 'a') : data[i]);
	buf_addc(out, '\0');
	buf_add(out, data + from, to - from);
	buf_addc(out, '\0');
	return len;
}

static void
exchange_set_method(CURL *easy, const struct http_try *try)
{
	const struct http_curl *curl = http_curl(NULL);

	if (strcmp(try->method, "GET") == 0 && try->body == NULL) {
		curl->easy_setopt(easy, CURLOPT_HTTPGET, 1L);
		return;
	}
	if (strcmp(try->method, "HEAD") == 0) {
		curl->easy_setopt(easy, CURLOPT_NOBODY, 1L);
		return;
	}
	if (try->body != NULL || strcmp(try->method, "DELETE") != 0) {
		curl->easy_setopt(easy, CURLOPT_POST, 1L);
		curl->easy_setopt(easy, CURLOPT_POSTFIELDS, try->body != NULL ? try->body : "");
		curl->easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)(try->body != NULL ? try->body_len : 0));
	}
	curl->easy_setopt(easy, CURLOPT_CUSTOMREQUEST, try->method);
}

static int
exchange_set(struct exchange *x, int64_t timeout_ms)
{
	const struct config *config = x->scope->config;
	const struct http_curl *curl = http_curl(NULL);
	const struct http_try *try = x->try;
	CURL *easy = x->http->easy;

	curl->easy_reset(easy);
	if (curl->easy_setopt(easy, CURLOPT_URL, try->url) != CURLE_OK)
		return -1;
	exchange_set_method(easy, try);
	curl->easy_setopt(easy, CURLOPT_HTTPHEADER, try->headers);
	curl->easy_setopt(easy, CURLOPT_USERAGENT, "drover/" VERSION);
	curl->easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
#if LIBCURL_VERSION_NUM >= 0x075500
	curl->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl->easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
	/*
	 * HTTP/1.1 has one request at a time on a connection, so it is known
	 * what was sent.
	 */
	curl->easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl->easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl->easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)try->max);
	curl->easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	curl->easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
	    (long)(timeout_ms < HTTP_CONNECT_MS ? timeout_ms : HTTP_CONNECT_MS));
	curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl->easy_setopt(easy, CURLOPT_MAXAGE_CONN, HTTP_IDLE_S);
	curl->easy_setopt(easy, CURLOPT_MAXCONNECTS, 4L);
	curl->easy_setopt(easy, CURLOPT_FRESH_CONNECT, try->once ? 1L : 0L);
	curl->easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl->easy_setopt(easy, CURLOPT_PROXY,
	    try->loopback || config == NULL || config->http_proxy == NULL ? "" :
									    config->http_proxy);
	if (config != NULL && config->http_ca_file != NULL)
		curl->easy_setopt(easy, CURLOPT_CAINFO, config->http_ca_file);
	curl->easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, exchange_on_open);
	curl->easy_setopt(easy, CURLOPT_OPENSOCKETDATA, x);
	curl->easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, exchange_on_close);
	curl->easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, x->http);
	curl->easy_setopt(easy, CURLOPT_RESOLVER_START_FUNCTION, exchange_on_resolve);
	curl->easy_setopt(easy, CURLOPT_RESOLVER_START_DATA, x);
	curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, exchange_on_body);
	curl->easy_setopt(easy, CURLOPT_WRITEDATA, x);
	curl->easy_setopt(easy, CURLOPT_HEADERFUNCTION, exchange_on_header);
	curl->easy_setopt(easy, CURLOPT_HEADERDATA, x);
	return 0;
}

/*
 * Runs until libcurl has finished the exchange. 0 and libcurl's result, or -1
 * when the scope was cancelled or libcurl failed.
 */
static int
exchange_run(struct exchange *x, int64_t until, CURLcode *result, struct error *err)
{
	struct scope *scope = x->scope;
	const struct http_curl *curl = http_curl(NULL);
	struct curl_waitfd runner = { .fd = scope->wait_fd, .events = CURL_WAIT_POLLIN };
	int64_t now, left;
	CURLMsg *message;
	int running = 1, queued, ready;
	bool heed;

	for (;;) {
		if (curl->multi_perform(x->http->multi, &running) != CURLM_OK)
			return error_set(err, DROVER_INTERNAL, "http: libcurl failed");
		if (running == 0)
			break;
		if (scope_cancelled(scope))
			return error_set(err, DROVER_CANCELLED, "http: the request was cancelled");
		now = clock_mono();
		left = until - now < HTTP_SLICE_MS ? until - now : HTTP_SLICE_MS;
		heed = scope->wait_fd != -1 && scope->wait_ready != NULL &&
		    (x->resolving == 0 || now - x->resolving > HTTP_RESOLVE_MS);
		runner.revents = 0;
		if (curl->multi_poll(x->http->multi, &runner, heed ? 1 : 0,
			left > 0 ? (int)left : 0, &ready) != CURLM_OK)
			return error_set(err, DROVER_INTERNAL, "http: libcurl failed");
		if (heed && runner.revents != 0)
			scope->wait_ready(scope);
	}
	while ((message = curl->multi_info_read(x->http->multi, &queued)) != NULL) {
		if (message->msg == CURLMSG_DONE)
			*result = message->data.result;
	}
	return 0;
}

/*
 * Sets the error of a failed exchange. It is AGAIN, unless the exchange is
 * known to fail in the same way each time.
 */
static int
exchange_failed(const struct exchange *x, CURLcode code, const char *detail, struct error *err)
{
	const struct http_curl *curl = http_curl(NULL);
	char shown[256];

	http_shown(x->try->url, shown, sizeof shown);
	if (x->too_long || code == CURLE_FILESIZE_EXCEEDED)
		return error_set(err, DROVER_PERMANENT, "%s: the answer is longer than %llu bytes",
		    shown, (unsigned long long)x->try->max);
	if (x->too_many_headers)
		return error_set(err, DROVER_PERMANENT,
		    "%s: the answer has more than %u KiB of headers", shown,
		    HTTP_HEADERS_BYTES / 1024);
	if (x->not_loopback)
		return error_set(err, DROVER_CONFIG,
		    "%s: the name is not that of a loopback address: use https://", shown);
	if (code == CURLE_SSL_CACERT_BADFILE)
		return error_set(err, DROVER_CONFIG, "%s: the file of http.ca_file cannot be read",
		    shown);
	if (code == CURLE_PEER_FAILED_VERIFICATION)
		return error_set(err, DROVER_AGAIN,
		    "%s: the server's certificate is not trusted (%s): see http.ca_file", shown,
		    *detail != '\0' ? detail : curl->easy_strerror(code));
	if (code == CURLE_PARTIAL_FILE || code == CURLE_GOT_NOTHING)
		return error_set(err, DROVER_AGAIN, "%s: the answer was cut off after %zu bytes",
		    shown, x->answer->body.len);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return error_set(err, DROVER_AGAIN,
		    "%s: the answer did not arrive in time (%zu bytes came)", shown,
		    x->answer->body.len);
	return error_set(err, DROVER_AGAIN, "%s: %s", shown,
	    *detail != '\0' ? detail : curl->easy_strerror(code));
}

int
http_exchange(struct scope *scope, struct http *http, struct http_try *try,
    struct http_answer *answer, struct error *err)
{
	struct exchange x = { .scope = scope, .http = http, .try = try, .answer = answer };
	const struct http_curl *curl = http_curl(NULL);
	char detail[CURL_ERROR_SIZE] = "";
	CURLcode result = CURLE_OK;
	long number = 0;
	int rc;

	buf_clear(&answer->body);
	buf_clear(&answer->headers);
	answer->status = 0;
	try->sent = false;
	if (http_make(http, err) == NULL)
		return -1;
	if (exchange_set(&x, try->timeout_ms) != 0)
		return error_set(err, DROVER_PERMANENT, "http: libcurl refuses the URL");
	curl->easy_setopt(http->easy, CURLOPT_ERRORBUFFER, detail);
	if (curl->multi_add_handle(http->multi, http->easy) != CURLM_OK)
		return error_set(err, DROVER_INTERNAL, "http: libcurl failed");
	rc = exchange_run(&x, clock_mono() + try->timeout_ms, &result, err);
	if (curl->easy_getinfo(http->easy, CURLINFO_REQUEST_SIZE, &number) != CURLE_OK ||
	    number > 0)
		try->sent = true;
	if (curl->easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &number) == CURLE_OK)
		answer->status = (int)number;
	(void)curl->multi_remove_handle(http->multi, http->easy);
	/* The handle must not keep what this function lent to it. */
	curl->easy_reset(http->easy);
	if (rc == 0 && result != CURLE_OK)
		rc = exchange_failed(&x, result, detail, err);
	if (rc != 0)
		buf_clear(&answer->body);
	return rc;
}

int
http_pause(struct scope *scope, int64_t ms, struct error *err)
{
	int64_t until = clock_mono() + ms, left;
	struct pollfd p = { .fd = scope->wait_ready != NULL ? scope->wait_fd : -1,
		.events = POLLIN };
	int n;

	while ((left = until - clock_mono()) > 0) {
		if (scope_cancelled(scope))
			return error_set(err, DROVER_CANCELLED, "http: the request was cancelled");
		n = poll(&p, 1, (int)(left < HTTP_SLICE_MS ? left : HTTP_SLICE_MS));
		if (n == -1 && errno != EINTR)
			return error_errno(err, DROVER_INTERNAL, "http: cannot wait");
		if (n == 1)
			scope->wait_ready(scope);
	}
	return scope_cancelled(scope) ?
	    error_set(err, DROVER_CANCELLED, "http: the request was cancelled") :
	    0;
}
