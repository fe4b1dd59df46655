/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Webhooks: POST /hooks/PLUGIN on an address of its own, which anyone may
 * reach. A request is bounded in bytes, time and number, and handed on as it
 * came; the plugin decides whether it is genuine. An answer says nothing that
 * the sender does not know already.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>

#include "api/api.h"
#include "api/server.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"

#define INTAKE_BODY_MAX (1024 * 1024)
#define INTAKE_HEADERS_MAX (16 * 1024)
#define INTAKE_CONNECTIONS_MAX 64
/* limit for a connection, from its first byte to the last of the answer */
#define INTAKE_LIMIT_MS 10000
#define INTAKE_COUNTS_MAX 1024      /* pairs of plugin and status */
#define INTAKE_PATH "/hooks/"

struct intake_count {
	char plugin[DROVER_NAME_MAX + 1];
	int status;
	uint64_t n;
};

struct delivery {
	struct intake *intake;          /* NULL after the intake was closed */
	struct evhttp_request *http;
	char plugin[DROVER_NAME_MAX + 1]; /* "" when no such plugin is configured */
	LIST_ENTRY(delivery) entry;
};

struct intake {
	struct api *api;
	struct evhttp *http;
	struct connections connections;
	char *listen, *address;         /* as configured, and with the real port */
	struct intake_count *counts;
	int counts_len;
	LIST_HEAD(, delivery) deliveries;
};

static const struct log_scope intake_scope = { .part = "core" };

static int intake_listen(const char *listen, char **address, struct error *);
static void intake_stop(struct intake *);
static void intake_on_delivery(struct evhttp_request *, void *arg);
static int delivery_check(struct delivery *, const char **name);
static char *delivery_headers(struct evhttp_request *);
static void delivery_answer(void *arg, const struct hook_answer *);
static void intake_count(struct intake *, const char *plugin, int status);

int
intake_configure(struct api *api, const char *listen, struct error *err)
{
	struct intake *old = api->intake, *intake;
	char *address;
	int fd;

	if (old != NULL && listen != NULL && strcmp(old->listen, listen) == 0)
		return 0;
	if (listen == NULL) {
		intake_close(api);
		return 0;
	}
	if ((fd = intake_listen(listen, &address, err)) == -1)
		return -1;
	intake = xcalloc(1, sizeof *intake);
	intake->api = api;
	intake->listen = xstrdup(listen);
	intake->address = address;
	LIST_INIT(&intake->deliveries);
	MUST((intake->http = evhttp_new(api->core->base)) != NULL);
	evhttp_set_max_headers_size(intake->http, INTAKE_HEADERS_MAX);
	evhttp_set_max_body_size(intake->http, INTAKE_BODY_MAX);
	evhttp_set_timeout(intake->http, INTAKE_LIMIT_MS / 1000);
	evhttp_set_default_content_type(intake->http, NULL);
	evhttp_set_allowed_methods(intake->http,
	    EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT |
		EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
	evhttp_set_gencb(intake->http, intake_on_delivery, intake);
	connections_open(&intake->connections, api->core->base, intake->http, fd,
	    INTAKE_CONNECTIONS_MAX, INTAKE_LIMIT_MS);
	if (old != NULL) {
		intake->counts = old->counts;
		intake->counts_len = old->counts_len;
		old->counts = NULL;
		intake_close(api);
	}
	api->intake = intake;
	log_printf(&intake_scope, DROVER_NOTICE,
	    "webhooks are taken on http://%s" INTAKE_PATH "PLUGIN", address);
	return 0;
}

/*
 * Parses "ADDRESS:PORT" or "[ADDRESS]:PORT". With port 0 the system chooses
 * one.
 */
static int
intake_parse(const char *text, struct sockaddr_storage *at, socklen_t *len)
{
	struct sockaddr_in *four = (struct sockaddr_in *)(void *)at;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)at;
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2];
	size_t n = colon != NULL ? (size_t)(colon - text) : 0;
	int64_t port;

	memset(at, 0, sizeof *at);
	if (n == 0 || n >= sizeof host || units_parse_int(colon + 1, 0, 65535, &port) != 0)
		return -1;
	memcpy(host, text, n);
	host[n] = '\0';
	if (host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		six->sin6_family = AF_INET6;
		six->sin6_port = htons((uint16_t)port);
		*len = sizeof *six;
		return inet_pton(AF_INET6, host + 1, &six->sin6_addr) == 1 ? 0 : -1;
	}
	four->sin_family = AF_INET;
	four->sin_port = htons((uint16_t)port);
	*len = sizeof *four;
	return inet_pton(AF_INET, host, &four->sin_addr) == 1 ? 0 : -1;
}

static int
intake_listen(const char *listen_at, char **address, struct error *err)
{
	struct sockaddr_storage at;
	struct sockaddr *sa = (struct sockaddr *)(void *)&at;
	const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)&at;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)&at;
	socklen_t len, size = sizeof at;
	char host[INET6_ADDRSTRLEN] = "";
	int fd, on = 1;

	if (intake_parse(listen_at, &at, &len) != 0)
		return error_set(err, DROVER_CONFIG,
		    "hooks.listen: \"%.100s\" is not an address: write it like \"127.0.0.1:8090\"",
		    listen_at);
	if ((fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1)
		return error_errno(err, DROVER_AGAIN, "cannot make a socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, sa, len) != 0 || listen(fd, INTAKE_CONNECTIONS_MAX) != 0 ||
	    getsockname(fd, sa, &size) != 0) {
		error_errno(err, DROVER_CONFIG, "hooks.listen: cannot listen at %.100s", listen_at);
		close(fd);
		return -1;
	}
	(void)inet_ntop(at.ss_family,
	    at.ss_family == AF_INET6 ? (const void *)&six->sin6_addr : &four->sin_addr, host,
	    sizeof host);
	*address = at.ss_family == AF_INET6 ? xasprintf("[%s]:%u", host, ntohs(six->sin6_port)) :
					      xasprintf("%s:%u", host, ntohs(four->sin_port));
	return fd;
}

static void
intake_stop(struct intake *intake)
{
	struct delivery *d;

	while ((d = LIST_FIRST(&intake->deliveries)) != NULL) {
		LIST_REMOVE(d, entry);
		d->intake = NULL;
		d->http = NULL;
	}
	evhttp_free(intake->http);
	connections_close(&intake->connections);
	free(intake->listen);
	free(intake->address);
	free(intake->counts);
	free(intake);
}

void
intake_close(struct api *api)
{
	if (api->intake != NULL)
		intake_stop(api->intake);
	api->intake = NULL;
}

const char *
intake_address(const struct api *api)
{
	return api->intake != NULL ? api->intake->address : NULL;
}

static void
intake_on_delivery(struct evhttp_request *http, void *arg)
{
	struct intake *intake = arg;
	struct delivery *d = xcalloc(1, sizeof *d);
	struct evbuffer *in = evhttp_request_get_input_buffer(http);
	struct hook_answer refused = { .status = 0, .type = "", .body = "" };
	const char *name = NULL, *body;
	char *headers;

	d->intake = intake;
	d->http = http;
	LIST_INSERT_HEAD(&intake->deliveries, d, entry);
	if ((refused.status = delivery_check(d, &name)) != 0) {
		delivery_answer(d, &refused);
		return;
	}
	body = evbuffer_get_length(in) > 0 ? (const char *)evbuffer_pullup(in, -1) : "";
	headers = delivery_headers(http);
	intake->api->verbs->hook(intake->api->daemon, name, headers, body, evbuffer_get_length(in),
	    delivery_answer, d);
	free(headers);
}

/* Returns 0, or the HTTP status with which the delivery is refused. */
static int
delivery_check(struct delivery *d, const char **name)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(d->http);
	const char *path = uri != NULL ? evhttp_uri_get_path(uri) : NULL;
	enum core_mode mode = d->intake->api->core->mode;

	if (path == NULL)
		return 400;
	if (strncmp(path, INTAKE_PATH, strlen(INTAKE_PATH)) != 0 ||
	    !text_is_name(path + strlen(INTAKE_PATH)))
		return 404;
	*name = path + strlen(INTAKE_PATH);
	if (config_plugin(d->intake->api->core->config, *name) == NULL)
		return 404;
	text_copy(d->plugin, sizeof d->plugin, *name);
	if (evhttp_request_get_command(d->http) != EVHTTP_REQ_POST)
		return 405;
	return mode == CORE_RUNNING || mode == CORE_DRAINING ? 0 : 503;
}

/*
 * A header that is not UTF-8 is left out, because it cannot be handed on as
 * JSON. Signatures are ASCII.
 */
static char *
delivery_headers(struct evhttp_request *http)
{
	const struct evkeyval *header;
	cJSON *list = cJSON_CreateArray(), *pair;
	char *name, *text;

	for (header = evhttp_request_get_input_headers(http)->tqh_first; header != NULL;
	     header = header->next.tqe_next) {
		if (!text_is_utf8(header->key, strlen(header->key)) ||
		    !text_is_utf8(header->value, strlen(header->value)))
			continue;
		name = xstrdup(header->key);
		for (char *p = name; *p != '\0'; p++)
			*p = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
		pair = cJSON_CreateArray();
		cJSON_AddItemToArray(pair, cJSON_CreateString(name));
		cJSON_AddItemToArray(pair, cJSON_CreateString(header->value));
		cJSON_AddItemToArray(list, pair);
		free(name);
	}
	text = json_print(list);
	cJSON_Delete(list);
	return text;
}

static void
delivery_answer(void *arg, const struct hook_answer *answer)
{
	struct delivery *d = arg;
	struct evkeyvalq *headers;
	struct evbuffer *body;
	char text[16];

	if (d->intake != NULL) {
		intake_count(d->intake, d->plugin, answer->status);
		headers = evhttp_request_get_output_headers(d->http);
		/*
		 * A connection has one request only, so its time limit is the
		 * request's.
		 */
		evhttp_add_header(headers, "Connection", "close");
		evhttp_add_header(headers, "Cache-Control", "no-store");
		evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
		if (answer->status == 405)
			evhttp_add_header(headers, "Allow", "POST");
		if (answer->retry_s > 0) {
			(void)snprintf(text, sizeof text, "%d", answer->retry_s);
			evhttp_add_header(headers, "Retry-After", text);
		}
		if (*answer->body != '\0' &&
		    evhttp_add_header(headers, "Content-Type",
			*answer->type != '\0' ? answer->type : "text/plain") != 0)
			evhttp_add_header(headers, "Content-Type", "text/plain");
		MUST((body = evbuffer_new()) != NULL &&
		    evbuffer_add(body, answer->body, strlen(answer->body)) == 0);
		evhttp_send_reply(d->http, answer->status, NULL, body);
		evbuffer_free(body);
		LIST_REMOVE(d, entry);
	}
	free(d);
}

static void
intake_count(struct intake *intake, const char *plugin, int status)
{
	for (int i = 0; i < intake->counts_len; i++)
		if (intake->counts[i].status == status &&
		    strcmp(intake->counts[i].plugin, plugin) == 0) {
			intake->counts[i].n++;
			return;
		}
	if (intake->counts_len == INTAKE_COUNTS_MAX)
		return;
	intake->counts =
	    xreallocarray(intake->counts, (size_t)intake->counts_len + 1, sizeof *intake->counts);
	intake->counts[intake->counts_len] = (struct intake_count){ .status = status, .n = 1 };
	text_copy(intake->counts[intake->counts_len++].plugin, sizeof intake->counts->plugin,
	    plugin);
}

void
intake_metrics(const struct api *api, struct buf *out)
{
	const struct intake *intake = api->intake;

	if (intake == NULL)
		return;
	buf_adds(out,
	    "# HELP drover_hook_requests_total Answers to webhooks; plugin is empty when none is "
	    "configured.\n"
	    "# TYPE drover_hook_requests_total counter\n");
	for (int i = 0; i < intake->counts_len; i++)
		buf_addf(out, "drover_hook_requests_total{plugin=\"%s\",status=\"%d\"} %llu\n",
		    intake->counts[i].plugin, intake->counts[i].status,
		    (unsigned long long)intake->counts[i].n);
}
