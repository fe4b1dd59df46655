/* SPDX-License-Identifier: Apache-2.0 */
/* What the handlers of the API see of its server. */
#ifndef API_SERVER_H
#define API_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include <cjson/cJSON.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include "api/api.h"
#include "api/connections.h"
#include "base/buf.h"
#include "base/error.h"

#define API_HEADERS_MAX (16 * 1024)
#define API_BODY_MAX (1024 * 1024)
#define API_CONNECTIONS_MAX 100
#define API_TIMEOUT_S 30
#define API_KEEPALIVE_S 15
#define API_BATCH_MAX 1000
#define API_ARGS_MAX 2
#define API_ARG_MAX 512
#define API_LIST_MAX 1000
#define API_IDS_MAX 100
#define REQUEST_MAGIC 0x52455155u

struct request;
struct stream;

struct api {
	uint32_t magic;
	struct core *core;
	const struct api_verbs *verbs;
	void *daemon;                     /* for the verbs */
	struct evhttp *http;
	struct connections connections;
	struct intake *intake;            /* NULL: no webhooks are taken */
	char *path;                       /* of the socket */
	dev_t dev; /* and which one it is, so that nobody else's is removed */
	ino_t ino;
	uint64_t answers[6];              /* by status / 100 */
	uid_t user_uid;                   /* of the last user name that was looked up */
	char user_name[65];
	LIST_HEAD(, request) requests;    /* not answered yet */
	LIST_HEAD(, stream) streams;
};

struct route {
	enum evhttp_cmd_type method;
	const char *path;                 /* "*" stands for one segment */
	int (*handle)(struct request *, struct error *);
	int refusal;                      /* HTTP status of a DROVER_PERMANENT */
	const char *refusal_code;
	const char *summary;
};

/*
 * One request until it is answered. A handler answers with one reply_*() or
 * stream_begin() and returns 0, or returns -1 with err filled.
 */
struct request {
	uint32_t magic;
	struct api *api;                  /* NULL: the API was closed meanwhile */
	struct evhttp_request *http;
	const struct route *route;
	struct evkeyvalq query;
	char args[API_ARGS_MAX][API_ARG_MAX]; /* what the "*" of the path stood for, decoded */
	char by[65];                      /* user name of the peer */
	cJSON *body;                      /* NULL when there was none */
	int status; /* a handler's own choice for its failure or its deferred answer; 0: by class */
	const char *code;                 /* the same for the failure's code; NULL: by status */
	cJSON *answer;                    /* waits for the commit */
	LIST_ENTRY(request) entry;
};

/* ---- reply.c: each ends the request ---- */
void reply_json(struct request *, int status, cJSON *); /* deletes the JSON */
void reply_text(struct request *, int status, const char *type, const struct buf *);
/* By the class of the error and the route's own meaning of a refusal. */
void reply_failure(struct request *, const struct error *);
/* Sends the answer once this tick is on disk, or why it is not. Returns 0. */
int reply_committed(struct request *, int status, cJSON *);

/* ---- server.c ---- */
void request_free(struct request *);
/* A parameter of the query, or fallback. */
const char *request_query(const struct request *, const char *name, const char *fallback);
/*
 * The same as a number in [min, max]; -1 and DROVER_PERMANENT when it is none.
 */
int request_number(const struct request *, const char *name, int64_t min, int64_t max,
    int64_t fallback, int64_t *out, struct error *);
/* The job that args[0] names; -1 with status 404. */
int request_job(struct request *, uint64_t *id, struct error *);

/* ---- routes.c ---- */
extern const struct route api_routes[];
extern const size_t api_routes_len;
/*
 * The route of a method and an undecoded path, with args filled. NULL: *allowed
 * has the methods that the path knows (0: none).
 */
const struct route *route_find(enum evhttp_cmd_type method, const char *path,
    char args[][API_ARG_MAX], unsigned *allowed);
const char *route_method_name(enum evhttp_cmd_type);

/* ---- intake.c: the other server, for webhooks ---- */
/*
 * Listens at an address, "HOST:PORT", instead of where it did; NULL: nowhere.
 * On an error what was there stays.
 */
int intake_configure(struct api *, const char *listen, struct error *);
void intake_close(struct api *);
/*
 * Where it listens, with the port that the system chose; NULL: nowhere.
 * Borrowed.
 */
const char *intake_address(const struct api *);
void intake_metrics(const struct api *, struct buf *);

/* ---- caller.c ---- */
struct caller {
	uid_t uid;
	gid_t gid;
	gid_t groups[64];
	int groups_len;
};
int caller_read(int fd, struct caller *, struct error *);
bool caller_allowed(const struct caller *, uid_t own_uid, gid_t own_gid);

/* ---- stream.c: an answer that goes on ---- */
struct stream {
	struct request *request;
	bool busy;                        /* a piece is on its way */
	struct event *timer;
	/*
	 * Sends at most one piece with stream_send(), or ends. Called at the
	 * beginning, when a piece is out, on a wake and by the timer.
	 */
	void (*more)(struct stream *, bool by_timer);
	void (*release)(struct stream *); /* frees what the stream stands in */
	LIST_ENTRY(stream) entry;
};
/*
 * Takes the request over. The stream stands in a larger struct of the
 * handler's.
 */
void stream_begin(struct stream *, struct request *, const char *type, int timer_s);
void stream_send(struct stream *, const void *, size_t);
void stream_end(struct stream *);         /* after this the stream is gone */
void stream_wake(struct stream *);
void stream_cut(struct stream *);         /* the API closes */

/* ---- handlers ---- */
int jobs_list(struct request *, struct error *);
int jobs_submit(struct request *, struct error *);
int jobs_show(struct request *, struct error *);
int jobs_why(struct request *, struct error *);
int jobs_cancel(struct request *, struct error *);
int jobs_retry(struct request *, struct error *);
int jobs_hold(struct request *, struct error *);
int jobs_release(struct request *, struct error *);
int jobs_priority(struct request *, struct error *);
int jobs_discard(struct request *, struct error *);
int jobs_dead(struct request *, struct error *);
int jobs_retry_dead(struct request *, struct error *);
int output_get(struct request *, struct error *);
int events_get(struct request *, struct error *);
int inventory_leases(struct request *, struct error *);
int inventory_lease(struct request *, struct error *);
int inventory_release_lease(struct request *, struct error *);
int inventory_break_lease(struct request *, struct error *);
int inventory_tidy_leases(struct request *, struct error *);
int control_health(struct request *, struct error *);
int control_ready(struct request *, struct error *);
int control_status(struct request *, struct error *);
int control_pauses(struct request *, struct error *);
int control_pause(struct request *, struct error *);
int control_resume(struct request *, struct error *);
int control_drain(struct request *, struct error *);
int control_undrain(struct request *, struct error *);
int control_reload(struct request *, struct error *);
int control_call(struct request *, struct error *);
int control_secrets(struct request *, struct error *);
int control_notify_test(struct request *, struct error *);
int inventory_sources(struct request *, struct error *);
int inventory_poll(struct request *, struct error *);
int inventory_plugins(struct request *, struct error *);
int inventory_plugin(struct request *, struct error *);
int inventory_workers(struct request *, struct error *);
int inventory_repos(struct request *, struct error *);
int inventory_agents(struct request *, struct error *);
int inventory_config(struct request *, struct error *);
int people_refusals(struct request *, struct error *);
int people_memory(struct request *, struct error *);
int people_forget(struct request *, struct error *);
int metrics_get(struct request *, struct error *);
int symphony_state(struct request *, struct error *);
int symphony_issue(struct request *, struct error *);
int symphony_refresh(struct request *, struct error *);

#endif
