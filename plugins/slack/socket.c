/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Socket Mode: listen() holds a WebSocket to Slack, leaves hints for what is
 * said and acknowledges it. libwebsockets' callbacks only gather whole
 * messages, which socket_run() carries out one after the other. When Slack
 * renews a connection, the new one is up before the old one is left.
 *
 * Whatever goes wrong ends the call. The core calls again, with backoff, and
 * polling sees in the meantime what was said.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "slack.h"

#ifdef HAVE_LIBWEBSOCKETS
#include <libwebsockets.h>

#define MESSAGE_MAX (1u << 20)
#	define WAITING_MAX    (4u << 20) /* bytes of messages that are not handled yet */
#	define ACKS_MAX       256
#	define ID_MAX         128
#	define TICK_US        (500 * LWS_US_PER_MS)
#	define CONNECT_MS     INT64_C(30000) /* limit for Slack's hello */
#	define RENEW_PATIENCE 1000
/* The wait between tries for a new connection while the old one lasts. */
#	define AGAIN_MS INT64_C(10000)

/* A message that has arrived completely. */
struct arrived {
	struct arrived *next;
	unsigned wire; /* serial number of the connection */
	size_t len;
	char text[];
};

/* One connection. */
struct wire {
	struct socket *socket;
	struct lws *wsi; /* NULL before and after it is connected */
	unsigned serial;
	bool used, hello, renew, leave, killed;
	int64_t since; /* monotonic */
	char *text;    /* the message that is arriving */
	size_t len, size;
	char acks[ACKS_MAX][ID_MAX];
	size_t acks_len;
};

struct socket {
	struct drover_scope *scope;
	struct lws_context *context;
	lws_sorted_usec_list_t tick;
	lws_retry_bo_t pings;
	struct wire wires[2];
	unsigned serials;
	struct arrived *first, **last;
	size_t waiting;
	char user[SLACK_ID_MAX];
	char why[256];   /* the reason why a connection ended */
	bool greeted;    /* at least one connection was good */
	int64_t next_ms; /* monotonic; no new connection is tried before */
};

struct address {
	char host[256];
	int port;
	bool tls;
	const char *path; /* points into the URL */
};

static int wire_event(struct lws *, enum lws_callback_reasons, void *, void *, size_t);
static void socket_tick(lws_sorted_usec_list_t *);
static int address_read(const char *, struct address *);
static void wire_kill(struct wire *, struct lws *, const char *);
static void wire_gather(struct wire *, struct lws *, const void *, size_t);
static int wire_arrived(struct wire *);
static int wire_write(struct wire *);
static void wire_gone(struct wire *, const char *);
static void wire_leave(struct wire *);
static void wire_free(struct wire *);
static struct wire *wire_of(struct socket *, unsigned);
static struct wire *wire_other(struct wire *);
static int socket_open(struct socket *, const char *, struct drover_error *);
static int socket_url(struct socket *, char *, size_t, struct drover_error *);
static int socket_connect(struct socket *, struct drover_error *);
static int socket_event(struct socket *, struct wire *, const char *, const struct hint *,
    struct drover_error *);
static int socket_carry_out(struct socket *, const struct arrived *, struct drover_error *);
static int socket_arrivals(struct socket *, struct drover_error *);
static int socket_keep(struct socket *, struct drover_error *);
static int socket_run(struct socket *, struct drover_error *);

static const struct lws_protocols protocols[] = {
	{ .name = "slack", .callback = wire_event, .rx_buffer_size = 4096 },
	{ .name = NULL },
};

/*
 * Parses "wss://HOST[:PORT]/PATH"; ws:// is allowed to a loopback address only.
 */
static int
address_read(const char *url, struct address *a)
{
	size_t len;

	memset(a, 0, sizeof(*a));
	a->tls = strncmp(url, "wss://", 6) == 0;
	if (!a->tls && strncmp(url, "ws://", 5) != 0)
		return -1;
	url += a->tls ? 6 : 5;
	len = strspn(url, TEXT_ALNUM ".-");
	if (len == 0 || len >= sizeof(a->host))
		return -1;
	memcpy(a->host, url, len);
	url += len;
	a->port = a->tls ? 443 : 80;
	if (*url == ':') {
		len = strspn(url + 1, TEXT_DIGITS);
		a->port = len > 0 && len <= 5 ? (int)strtol(url + 1, NULL, 10) : 0;
		url += 1 + len;
	}
	if (a->port < 1 || a->port > 65535 || *url != '/' || strpbrk(url, " \r\n") != NULL)
		return -1;
	a->path = url;
	return !a->tls && strcmp(a->host, "127.0.0.1") != 0 && strcmp(a->host, "localhost") != 0 ?
	    -1 :
	    0;
}

/*
 * Ends the connection at once. The value that RECEIVE returns cannot do it:
 * libwebsockets 4.1 then goes on reading until the close is acknowledged, past
 * the end of the buffer that it had just handed out.
 */
static void
wire_kill(struct wire *w, struct lws *wsi, const char *why)
{
	if (!w->killed)
		snprintf(w->socket->why, sizeof(w->socket->why), "%s", why);
	w->killed = true;
	lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

static void
wire_gather(struct wire *w, struct lws *wsi, const void *data, size_t len)
{
	size_t size;

	if (w->killed)
		return;
	if (w->len + len > MESSAGE_MAX) {
		wire_kill(w, wsi, "a message of more than 1 MiB came");
		return;
	}
	if (w->len + len > w->size) {
		for (size = w->size == 0 ? 4096 : w->size; size < w->len + len; size *= 2)
			;
		w->text = xrealloc(w->text, size);
		w->size = size;
	}
	if (len > 0)
		memcpy(w->text + w->len, data, len);
	w->len += len;
	if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi) > 0)
		return;
	if (!lws_frame_is_binary(wsi) && wire_arrived(w) != 0)
		wire_kill(w, wsi, "more messages came than could be carried out");
	w->len = 0;
}

static int
wire_arrived(struct wire *w)
{
	struct socket *s = w->socket;
	struct arrived *a;

	if (s->waiting + w->len > WAITING_MAX)
		return -1;
	a = xmalloc(sizeof(*a) + w->len);
	a->next = NULL;
	a->wire = w->serial;
	a->len = w->len;
	if (w->len > 0)
		memcpy(a->text, w->text, w->len);
	s->waiting += a->len;
	*s->last = a;
	s->last = &a->next;
	return 0;
}

static int
wire_write(struct wire *w)
{
	unsigned char frame[LWS_PRE + ID_MAX + 32];
	int len;

	if (w->leave) {
		lws_close_reason(w->wsi, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
		return -1;
	}
	if (w->acks_len == 0)
		return 0;
	len = snprintf((char *)frame + LWS_PRE, sizeof(frame) - LWS_PRE, "{\"envelope_id\":\"%s\"}",
	    w->acks[0]);
	w->acks_len--;
	memmove(w->acks[0], w->acks[1], w->acks_len * sizeof(w->acks[0]));
	if (lws_write(w->wsi, frame + LWS_PRE, (size_t)len, LWS_WRITE_TEXT) < len)
		return -1;
	if (w->acks_len > 0)
		lws_callback_on_writable(w->wsi);
	return 0;
}

static void
wire_gone(struct wire *w, const char *why)
{
	char shown[128];

	text_line(shown, sizeof(shown), why);
	/* libwebsockets only gives a number when a certificate is refused. */
	if (w->socket->why[0] == '\0')
		snprintf(w->socket->why, sizeof(w->socket->why), "%s%s", shown,
		    strstr(why, "SSL") != NULL ?
			": is the certificate the host's, and trusted (option ca_file)?" :
			"");
	w->wsi = NULL;
}

static int
wire_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct wire *w = user;

	switch (reason) {
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		if (w != NULL)
			wire_gone(w, in != NULL ? in : "the connection could not be made");
		return 0;
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		w->wsi = wsi;
		return 0;
	case LWS_CALLBACK_CLIENT_RECEIVE:
		wire_gather(w, wsi, in, len);
		return 0;
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		return wire_write(w);
	case LWS_CALLBACK_CLIENT_CLOSED:
		if (w != NULL)
			wire_gone(w, "the connection was closed");
		return 0;
	default:
		return 0;
	}
}

/* Wakes lws_service() regularly, so that socket_run() can check its clocks. */
static void
socket_tick(lws_sorted_usec_list_t *tick)
{
	struct socket *s = lws_container_of(tick, struct socket, tick);

	lws_sul_schedule(s->context, 0, &s->tick, socket_tick, TICK_US);
}

static void
wire_leave(struct wire *w)
{
	w->leave = true;
	if (w->wsi != NULL)
		lws_callback_on_writable(w->wsi);
}

static void
wire_free(struct wire *w)
{
	free(w->text);
	w->text = NULL;
	w->len = w->size = 0;
	w->used = false;
}

static struct wire *
wire_of(struct socket *s, unsigned serial)
{
	size_t i;

	for (i = 0; i < 2; i++)
		if (s->wires[i].used && s->wires[i].serial == serial)
			return &s->wires[i];
	return NULL;
}

static struct wire *
wire_other(struct wire *w)
{
	return w == &w->socket->wires[0] ? &w->socket->wires[1] : &w->socket->wires[0];
}

static int
socket_open(struct socket *s, const char *ca_file, struct drover_error *err)
{
	struct lws_context_creation_info info;

	memset(&info, 0, sizeof(info));
	info.port = CONTEXT_PORT_NO_LISTEN;
	info.protocols = protocols;
	info.uid = (uid_t)-1;
	info.gid = (gid_t)-1;
	info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
	info.fd_limit_per_thread = 16;
	info.timeout_secs = CONNECT_MS / 1000;
	/* The environment's http_proxy is not used. */
	info.http_proxy_address = "";
	if (ca_file != NULL && *ca_file != '\0') {
		if (access(ca_file, R_OK) != 0)
			return plugin_fail(err, DROVER_CONFIG,
			    "slack: option ca_file: %.300s cannot be read", ca_file);
		info.client_ssl_ca_filepath = ca_file;
		info.options |= LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
	}
	lws_set_log_level(0, NULL);
	if ((s->context = lws_create_context(&info)) == NULL)
		return plugin_fail(err, DROVER_CONFIG, "slack: Socket Mode cannot begin%s",
		    ca_file != NULL ? ": does ca_file hold certificates?" : "");
	return 0;
}

static int
socket_url(struct socket *s, char *url, size_t size, struct drover_error *err)
{
	struct web_answer answer;
	struct account app;
	int code;

	if ((code = account_open(&app, s->scope, "app_token", err)) != 0)
		return code;
	app.critical = true;
	/* A limit must not keep the old connection from being served. */
	if (s->wires[0].used || s->wires[1].used)
		app.patience_ms = RENEW_PATIENCE;
	if ((code = account_call(&app, "apps.connections.open", NULL, NULL, &answer, err)) == 0) {
		if (strlen(json_text(answer.json, "url")) >= size)
			code = plugin_fail(err, DROVER_AGAIN,
			    "slack: apps.connections.open: the url is too long");
		else
			snprintf(url, size, "%s", json_text(answer.json, "url"));
		web_answer_free(&answer);
	}
	account_close(&app);
	return code;
}

static int
socket_connect(struct socket *s, struct drover_error *err)
{
	struct lws_client_connect_info info;
	struct address address;
	char url[2048] = "";
	struct wire *w;
	int code;

	s->next_ms = s->scope->host->time->monotonic(s->scope) + AGAIN_MS;
	if ((code = socket_url(s, url, sizeof(url), err)) != 0)
		return code;
	if (address_read(url, &address) != 0)
		return plugin_fail(err, DROVER_PERMANENT,
		    "slack: apps.connections.open gave no wss:// url of a host");
	w = !s->wires[0].used ? &s->wires[0] : &s->wires[1];
	memset(w, 0, sizeof(*w));
	w->socket = s;
	w->serial = ++s->serials;
	w->used = true;
	w->since = s->scope->host->time->monotonic(s->scope);
	memset(&info, 0, sizeof(info));
	info.context = s->context;
	info.address = info.host = info.origin = address.host;
	info.port = address.port;
	info.path = address.path;
	info.ssl_connection = (address.tls ? LCCSCF_USE_SSL : 0) | LCCSCF_HTTP_NO_FOLLOW_REDIRECT;
	info.local_protocol_name = protocols[0].name;
	info.alpn = "http/1.1";
	info.retry_and_idle_policy = &s->pings;
	info.userdata = w;
	info.pwsi = &w->wsi;
	/* The callback may have reported a failure already. */
	if (lws_client_connect_via_info(&info) == NULL)
		wire_gone(w, "the connection could not be made");
	return 0;
}

static int
socket_event(struct socket *s, struct wire *w, const char *id, const struct hint *hint,
    struct drover_error *err)
{
	int code;

	/*
	 * Keep the hint before it is acknowledged: until then Slack sends it
	 * again.
	 */
	if (hint != NULL && hint->channel[0] != '\0' &&
	    (code = hint_leave(s->scope, hint, err)) != 0)
		return code;
	if (*id == '\0' || w->wsi == NULL)
		return 0;
	if (w->acks_len == ACKS_MAX)
		return plugin_fail(err, DROVER_AGAIN,
		    "slack: Socket Mode takes no acknowledgements");
	snprintf(w->acks[w->acks_len++], ID_MAX, "%s", id);
	lws_callback_on_writable(w->wsi);
	return 0;
}

static int
socket_carry_out(struct socket *s, const struct arrived *a, struct drover_error *err)
{
	struct wire *w = wire_of(s, a->wire), *other;
	char id[ID_MAX];
	struct hint hint;

	if (w == NULL)
		return 0;
	switch (envelope_read(a->text, a->len, s->user, id, sizeof(id), &hint)) {
	case ENVELOPE_HELLO:
		w->hello = s->greeted = true;
		s->next_ms = 0;
		other = wire_other(w);
		if (other->used && other->hello)
			wire_leave(other);
		/* A poll sees what was said before the connection was up. */
		return s->scope->host->queue->wake(s->scope, SLACK_SOURCE, err);
	case ENVELOPE_RENEW:
		w->renew = true;
		return 0;
	case ENVELOPE_DISABLED:
		return plugin_fail(err, DROVER_CONFIG,
		    "slack: Socket Mode is switched off for the app: switch it on, or drop "
		    "app_token");
	case ENVELOPE_EVENT:
		return socket_event(s, w, id, &hint, err);
	case ENVELOPE_IGNORE:
		break;
	}
	return socket_event(s, w, id, NULL, err);
}

static int
socket_arrivals(struct socket *s, struct drover_error *err)
{
	struct arrived *a;
	int code = 0;

	while ((a = s->first) != NULL) {
		if ((s->first = a->next) == NULL)
			s->last = &s->first;
		s->waiting -= a->len;
		if (code == 0)
			code = socket_carry_out(s, a, err);
		free(a);
	}
	return code;
}

/*
 * Renews and ends connections. Returns 0 while there is a connection, 1 if no
 * connection is left, or a class.
 */
static int
socket_keep(struct socket *s, struct drover_error *err)
{
	int64_t now = s->scope->host->time->monotonic(s->scope);
	struct wire *w;
	bool alive = false, coming = false, renew = false;
	size_t i;
	int code;

	for (i = 0; i < 2; i++) {
		w = &s->wires[i];
		if (w->used && w->wsi == NULL)
			wire_free(w);
		if (!w->used)
			continue;
		if (!w->hello && now - w->since > CONNECT_MS) {
			snprintf(s->why, sizeof(s->why), "no hello came");
			wire_leave(w);
		}
		alive = alive || w->hello;
		coming = coming || !w->hello;
		renew = renew || (w->renew && !w->leave);
	}
	if (alive && renew && !coming && !(s->wires[0].used && s->wires[1].used) &&
	    now >= s->next_ms) {
		code = socket_connect(s, err);
		if (code != 0 && code != DROVER_AGAIN && code != DROVER_QUOTA)
			return code;
		return 0;
	}
	return alive || coming ? 0 : 1;
}

static int
socket_run(struct socket *s, struct drover_error *err)
{
	int code;

	lws_sul_schedule(s->context, 0, &s->tick, socket_tick, TICK_US);
	if ((code = socket_connect(s, err)) != 0)
		return code;
	while (!s->scope->host->queue->cancelled(s->scope)) {
		if (lws_service(s->context, 0) < 0)
			return plugin_fail(err, DROVER_AGAIN,
			    "slack: Socket Mode: the loop failed");
		if ((code = socket_arrivals(s, err)) != 0)
			return code;
		if ((code = socket_keep(s, err)) < 0)
			return code;
		if (code == 0)
			continue;
		/*
		 * After a good connection the core calls again at once, else
		 * with backoff.
		 */
		if (s->greeted)
			return 0;
		return plugin_fail(err, DROVER_AGAIN, "slack: Socket Mode: %s",
		    s->why[0] != '\0' ? s->why : "the connection ended");
	}
	return 0;
}

int
slack_listen(struct drover_scope *scope, void *source, struct drover_error *err)
{
	const struct drover_host_option *option = scope->host->option;
	int64_t seconds = option->integer(scope, "ping_timeout") / 1000;
	struct account account;
	struct arrived *a;
	struct socket *s;
	int code;

	/*
	 * Without the token, listening is not configured, which needs no text.
	 */
	if (!scope->host->secret->given(scope, "app_token"))
		return plugin_fail(err, DROVER_CONFIG, "%s", "");
	s = xcalloc(1, sizeof(*s));
	s->scope = scope;
	s->last = &s->first;
	s->pings.secs_since_valid_ping = (uint16_t)(seconds / 3 > 0 ? seconds / 3 : 1);
	s->pings.secs_since_valid_hangup = (uint16_t)(seconds > s->pings.secs_since_valid_ping ?
		seconds :
		s->pings.secs_since_valid_ping + 1);
	if ((code = account_open(&account, scope, "bot_token", err)) == 0) {
		if ((code = account_who(&account, err)) == 0)
			memcpy(s->user, account.user, sizeof(s->user));
		account_close(&account);
	}
	if (code == 0 && (code = socket_open(s, option->string(scope, "ca_file"), err)) == 0) {
		code = socket_run(s, err);
		lws_context_destroy(s->context);
	}
	while ((a = s->first) != NULL) {
		s->first = a->next;
		free(a);
	}
	wire_free(&s->wires[0]);
	wire_free(&s->wires[1]);
	free(s);
	return code;
}

#else

int
slack_listen(struct drover_scope *scope, void *source, struct drover_error *err)
{
	if (!scope->host->secret->given(scope, "app_token"))
		return plugin_fail(err, DROVER_CONFIG, "%s", "");
	return plugin_fail(err, DROVER_CONFIG,
	    "slack: this drover was built without Socket Mode: leave out app_token");
}

#endif
