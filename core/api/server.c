/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server of the API: opens the socket, and takes a request from libevent to
 * its handler. evhttp parses the request. It does not know the peer's
 * credentials, so they are checked here; connections.c limits the connections.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "api/api.h"
#include "api/server.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/units.h"

#define API_MAGIC 0x44415049u

static int api_socket_listen(const char *path, struct error *);
static int api_socket_is_live(const struct sockaddr_un *);
static int api_bind(struct api *, const char *path, struct error *);
static void api_on_request(struct evhttp_request *, void *arg);
static int request_admit(struct request *, struct error *);
static int api_refuse_inside(struct api *, pid_t, struct error *);
static int request_route(struct request *, struct error *);
static int request_read(struct request *, struct error *);
static const char *api_user_name(struct api *, uid_t);

int
api_open(struct core *core, const struct api_verbs *verbs, void *arg, struct api **out,
    struct error *err)
{
	struct api *api;

	OBJ_NEW(api, API_MAGIC);
	api->core = core;
	api->verbs = verbs;
	api->daemon = arg;
	api->user_uid = (uid_t)-1;
	LIST_INIT(&api->requests);
	LIST_INIT(&api->streams);
	MUST((api->http = evhttp_new(core->base)) != NULL);
	evhttp_set_max_headers_size(api->http, API_HEADERS_MAX);
	evhttp_set_max_body_size(api->http, API_BODY_MAX);
	evhttp_set_timeout(api->http, API_TIMEOUT_S);
	evhttp_set_default_content_type(api->http, NULL);
	/*
	 * Every method is let through, so that the routes answer with 405
	 * instead of evhttp with 501.
	 */
	evhttp_set_allowed_methods(api->http,
	    EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT |
		EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE | EVHTTP_REQ_CONNECT |
		EVHTTP_REQ_PATCH);
	evhttp_set_gencb(api->http, api_on_request, api);
	if (api_bind(api, core->config->socket, err) != 0) {
		evhttp_free(api->http);
		connections_close(&api->connections);
		OBJ_FREE(api);
		return -1;
	}
	if (intake_configure(api, core->config->hooks_listen, err) != 0) {
		api_close(api);
		return -1;
	}
	*out = api;
	return 0;
}

int
api_configure(struct api *api, const struct config *config, struct error *err)
{
	OBJ_CHECK(api, API_MAGIC);
	return intake_configure(api, config->hooks_listen, err);
}

const char *
api_hooks_address(const struct api *api)
{
	return api != NULL ? intake_address(api) : NULL;
}

void
api_wake(struct api *api)
{
	struct stream *s, *next;

	if (api == NULL)
		return;
	OBJ_CHECK(api, API_MAGIC);
	for (s = LIST_FIRST(&api->streams); s != NULL; s = next) {
		next = LIST_NEXT(s, entry);
		stream_wake(s);
	}
}

void
api_close(struct api *api)
{
	struct stat st;
	struct request *r;
	struct stream *s;

	if (api == NULL)
		return;
	OBJ_CHECK(api, API_MAGIC);
	while ((s = LIST_FIRST(&api->streams)) != NULL)
		stream_cut(s);
	/*
	 * A request that is not answered yet belongs to the code that will
	 * answer it. Its connection goes now, and the answer is dropped then.
	 */
	while ((r = LIST_FIRST(&api->requests)) != NULL) {
		LIST_REMOVE(r, entry);
		r->api = NULL;
		r->http = NULL;
	}
	intake_close(api);
	evhttp_free(api->http);
	connections_close(&api->connections);
	if (stat(api->path, &st) == 0 && st.st_dev == api->dev && st.st_ino == api->ino)
		unlink(api->path);
	free(api->path);
	OBJ_FREE(api);
}

void
request_free(struct request *r)
{
	OBJ_CHECK(r, REQUEST_MAGIC);
	if (r->api != NULL)
		LIST_REMOVE(r, entry);
	evhttp_clear_headers(&r->query);
	cJSON_Delete(r->body);
	cJSON_Delete(r->answer);
	OBJ_FREE(r);
}

const char *
request_query(const struct request *r, const char *name, const char *fallback)
{
	const char *value = evhttp_find_header(&r->query, name);

	return value != NULL && *value != '\0' ? value : fallback;
}

int
request_number(const struct request *r, const char *name, int64_t min, int64_t max,
    int64_t fallback, int64_t *out, struct error *err)
{
	const char *text = request_query(r, name, NULL);

	*out = fallback;
	if (text == NULL || units_parse_int(text, min, max, out) == 0)
		return 0;
	return error_set(err, DROVER_PERMANENT, "%s is not a number from %lld to %lld", name,
	    (long long)min, (long long)max);
}

int
request_job(struct request *r, uint64_t *id, struct error *err)
{
	if (queue_find(r->api->core->queue, r->args[0], id, err) == 0)
		return 0;
	if (err->code == DROVER_PERMANENT)
		r->status = 404;
	return -1;
}

static int
api_bind(struct api *api, const char *path, struct error *err)
{
	struct stat st;
	int fd;

	if ((fd = api_socket_listen(path, err)) == -1)
		return -1;
	if (stat(path, &st) != 0) {
		close(fd);
		return error_errno(err, DROVER_INTERNAL, "%s", path);
	}
	connections_open(&api->connections, api->core->base, api->http, fd, API_CONNECTIONS_MAX, 0);
	api->path = xstrdup(path);
	api->dev = st.st_dev;
	api->ino = st.st_ino;
	return 0;
}

static int
api_socket_listen(const char *path, struct error *err)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char *dir, *slash;
	int fd, live;

	if (path == NULL || strlen(path) >= sizeof sun.sun_path)
		return error_set(err, DROVER_CONFIG,
		    "socket: the path must have 1 to %zu bytes", sizeof sun.sun_path - 1);
	memcpy(sun.sun_path, path, strlen(path) + 1);
	dir = xstrdup(path);
	if ((slash = strrchr(dir, '/')) != NULL && slash != dir) {
		*slash = '\0';
		if (path_mkdirs(dir, 0750, err) != 0) {
			free(dir);
			return -1;
		}
	}
	free(dir);
	if ((live = api_socket_is_live(&sun)) == 1)
		return error_set(err, DROVER_CONFIG,
		    "a daemon listens at %s already: stop it, or give this one a socket of its own",
		    path);
	if (live == 0 && unlink(path) != 0 && errno != ENOENT)
		return error_errno(err, DROVER_CONFIG, "cannot replace the old socket %s", path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1)
		return error_errno(err, DROVER_INTERNAL, "cannot make a socket");
	/*
	 * A peer cannot connect between bind() and listen(), so the mode is
	 * right before the first one comes.
	 */
	if (bind(fd, (const struct sockaddr *)&sun, sizeof sun) != 0 || chmod(path, 0660) != 0 ||
	    listen(fd, 128) != 0) {
		error_errno(err, DROVER_CONFIG, "cannot listen at %s", path);
		close(fd);
		return -1;
	}
	return fd;
}

/*
 * Returns 1 when a daemon answers at the socket, 0 when the socket is left
 * over, and -1 when there is no socket.
 */
static int
api_socket_is_live(const struct sockaddr_un *sun)
{
	struct stat st;
	int fd, rc;

	if (lstat(sun->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return -1;
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1)
		return 0;
	rc = connect(fd, (const struct sockaddr *)sun, sizeof *sun) == 0 || errno == EAGAIN;
	close(fd);
	return rc;
}

static void
api_on_request(struct evhttp_request *http, void *arg)
{
	struct api *api;
	struct request *r;
	struct error err = { 0 };

	OBJ_CAST(api, arg, API_MAGIC);
	OBJ_NEW(r, REQUEST_MAGIC);
	r->api = api;
	r->http = http;
	TAILQ_INIT(&r->query);
	LIST_INSERT_HEAD(&api->requests, r, entry);
	if (request_admit(r, &err) != 0 || request_route(r, &err) != 0 ||
	    request_read(r, &err) != 0 || r->route->handle(r, &err) != 0)
		reply_failure(r, &err);
}

static int
request_admit(struct request *r, struct error *err)
{
	struct bufferevent *bev =
	    evhttp_connection_get_bufferevent(evhttp_request_get_connection(r->http));
	struct caller peer;

	r->status = 403;
	if (caller_read(bufferevent_getfd(bev), &peer, err) != 0)
		return -1;
	if (!caller_allowed(&peer, geteuid(), getegid()))
		return error_set(err, DROVER_AUTH,
		    "user %s may not use the API: only root, the daemon's user and its group may",
		    api_user_name(r->api, peer.uid));
	if (api_refuse_inside(r->api, peer.pid, err) != 0)
		return -1;
	snprintf(r->by, sizeof r->by, "%s", api_user_name(r->api, peer.uid));
	r->status = 0;
	return 0;
}

/*
 * Refuses a process that drover itself has started. An agent runs as the
 * daemon's user, so that its user does not tell it from an operator.
 */
static int
api_refuse_inside(struct api *api, pid_t pid, struct error *err)
{
	int started = api->verbs->started(api->daemon, pid);

	if (started == 0)
		return 0;
	if (started == 1)
		return error_set(err, DROVER_AUTH,
		    "drover started process %d, for a job or a plugin, and such a process may not "
		    "use the API: ask from a process that no job has started",
		    (int)pid);
	return error_set(err, DROVER_AUTH,
	    "drover cannot tell whether process %d belongs to a job: let the process that connects "
	    "live until it has its answer",
	    (int)pid);
}

static int
request_route(struct request *r, struct error *err)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(r->http);
	const char *path = uri != NULL ? evhttp_uri_get_path(uri) : NULL,
		   *query = uri != NULL ? evhttp_uri_get_query(uri) : NULL;
	enum evhttp_cmd_type method = evhttp_request_get_command(r->http);
	enum core_mode mode = r->api->core->mode;
	unsigned allowed = 0;
	char allow[32];

	r->status = 400;
	if (path == NULL || (query != NULL && evhttp_parse_query_str(query, &r->query) != 0))
		return error_set(err, DROVER_PERMANENT, "the request's URL is malformed");
	if ((r->route = route_find(method, path, r->args, &allowed)) == NULL) {
		r->status = allowed != 0 ? 405 : 404;
		if (allowed == 0)
			return error_set(err, DROVER_PERMANENT,
			    "there is no such path: doc/api.md lists them all");
		snprintf(allow, sizeof allow, "%s%s%s",
		    (allowed & EVHTTP_REQ_GET) != 0 ? "GET, HEAD" : "",
		    (allowed & EVHTTP_REQ_GET) != 0 && (allowed & EVHTTP_REQ_POST) != 0 ? ", " : "",
		    (allowed & EVHTTP_REQ_POST) != 0 ? "POST" : "");
		evhttp_add_header(evhttp_request_get_output_headers(r->http), "Allow", allow);
		return error_set(err, DROVER_PERMANENT, "this path does not take %s, only %s",
		    route_method_name(method), allow);
	}
	r->status = 0;
	if (r->route->method == EVHTTP_REQ_POST &&
	    (mode == CORE_STARTING || mode == CORE_STOPPING)) {
		r->status = 503;
		return error_set(err, DROVER_AGAIN, "the daemon is %s: try again in a moment",
		    mode == CORE_STARTING ? "starting" : "stopping");
	}
	return 0;
}

static int
request_read(struct request *r, struct error *err)
{
	static const struct log_scope scope = { .part = "core" };
	struct evbuffer *in = evhttp_request_get_input_buffer(r->http);
	size_t len = evbuffer_get_length(in);
	const char *text;

	if (r->route->method != EVHTTP_REQ_POST)
		return 0;
	log_line(&scope, DROVER_INFO, "request", (const struct drover_field[]){ { "by", r->by },
	    { "path", evhttp_uri_get_path(evhttp_request_get_evhttp_uri(r->http)) } }, 2);
	if (len == 0)
		return 0;
	r->status = 400;
	if ((text = (const char *)evbuffer_pullup(in, -1)) == NULL)
		return error_set(err, DROVER_INTERNAL, "the body cannot be read");
	if (json_has_nul(text, len))
		return error_set(err, DROVER_PERMANENT, "the body has a NUL (\\u0000) in a string");
	if ((r->body = json_parse(text, len, API_BODY_MAX, err)) == NULL)
		return error_prefix(err, "the body is not JSON");
	json_hide(r->body);
	r->status = 0;
	return 0;
}

/*
 * Remembers the last name: looking one up may ask a directory server, and one
 * user often sends several requests.
 */
static const char *
api_user_name(struct api *api, uid_t uid)
{
	char space[4096];
	struct passwd pw, *found = NULL;

	if (api->user_uid == uid)
		return api->user_name;
	if (getpwuid_r(uid, &pw, space, sizeof space, &found) == 0 && found != NULL)
		snprintf(api->user_name, sizeof api->user_name, "%s", pw.pw_name);
	else
		snprintf(api->user_name, sizeof api->user_name, "uid %lu", (unsigned long)uid);
	api->user_uid = uid;
	return api->user_name;
}
