/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the handlers of the API see of its server, and what its files share.
 * server.c reads a request, routes.c finds its handler, and the handler answers
 * with reply.c or stream.c. All of it runs on the loop's thread.
 */
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
	void *daemon;                     /* first argument of the verbs */
	struct evhttp *http;
	struct connections connections;
	struct intake *intake;            /* NULL while no webhooks are taken */
	char *path;                       /* path of the socket */
	dev_t dev; /* identifies the socket, so that another daemon's is never removed */
	ino_t ino;
	uint64_t answers[6];              /* number of answers by status / 100 */
	/* user whose name is in user_name; the last one looked up */
	uid_t user_uid;
	char user_name[65];
	LIST_HEAD(, request) requests;    /* requests that are not answered yet */
	LIST_HEAD(, stream) streams;
};

struct route {
	enum evhttp_cmd_type method;
	const char *path;                 /* "*" stands for one segment */
	int (*handle)(struct request *, struct error *);
	int refusal;                      /* HTTP status for a failure with PERMANENT */
	const char *refusal_code;
	const char *summary;
};

/*
 * One request until it is answered. A handler either answers, with one
 * reply_*() or stream_begin(), and returns 0, or it returns -1 with err filled
 * in. It may also return 0 and answer later.
 */
struct request {
	uint32_t magic;
	struct api *api;                  /* NULL after the API was closed */
	struct evhttp_request *http;
	const struct route *route;
	struct evkeyvalq query;
	char args[API_ARGS_MAX][API_ARG_MAX]; /* the segments for the "*" of the path, decoded */
	char by[65];                      /* user name of the peer */
	cJSON *body;                      /* NULL when the request has no body */
	/*
	 * status that a handler chose for its failure or deferred answer; 0 to
	 * derive it from the class
	 */
	int status;
	/*
	 * code that a handler chose for its failure; NULL to derive it from the
	 * status
	 */
	const char *code;
	cJSON *answer;                    /* the answer that waits for the commit */
	LIST_ENTRY(request) entry;
};

/* reply.c. Each of these answers the request and frees it. */
/* Answers with JSON, which it deletes. */
void reply_json(struct request *, int status, cJSON *);
void reply_text(struct request *, int status, const char *type, const struct buf *);
/*
 * Answers with an error. Status and code follow from its class; for PERMANENT
 * they are the route's.
 */
void reply_failure(struct request *, const struct error *);
/*
 * Answers once this tick's changes are on disk, or with the reason why they are
 * not. Takes over the JSON. Returns 0.
 */
int reply_committed(struct request *, int status, cJSON *);

/* server.c */
void request_free(struct request *);
/* A parameter of the query, borrowed; fallback when it is missing or empty. */
const char *request_query(const struct request *, const char *name, const char *fallback);
/*
 * A parameter of the query as a number from min to max; fallback when it is
 * missing. -1 and PERMANENT when it is something else.
 */
int request_number(const struct request *, const char *name, int64_t min, int64_t max,
    int64_t fallback, int64_t *out, struct error *);
/*
 * The id of the job that args[0] names. -1, with status 404, when there is no
 * such job.
 */
int request_job(struct request *, uint64_t *id, struct error *);

/* routes.c */
extern const struct route api_routes[];
extern const size_t api_routes_len;
/*
 * The route for a method and an undecoded path, with args filled in. NULL when
 * there is none; *allowed then has the methods that the path takes, 0 if there
 * is no such path.
 */
const struct route *route_find(enum evhttp_cmd_type method, const char *path,
    char args[][API_ARG_MAX], unsigned *allowed);
/* "GET" and so on; "?" for a method that is not known. */
const char *route_method_name(enum evhttp_cmd_type);

/* intake.c: the server for webhooks. */
/*
 * Listens at an address "HOST:PORT" instead of the old one; NULL ends the
 * intake. -1 when it cannot; the old address then stays in use.
 */
int intake_configure(struct api *, const char *listen, struct error *);
/* Ends the intake; answers that are still owed are dropped. */
void intake_close(struct api *);
/*
 * The address with the port that the system chose, borrowed; NULL when webhooks
 * are not taken.
 */
const char *intake_address(const struct api *);
/* Appends the intake's counts in the text format of Prometheus. */
void intake_metrics(const struct api *, struct buf *);

/* caller.c: the user at the other end of the API's socket. */
struct caller {
	pid_t pid;                        /* 0 if it is outside of this process's namespace */
	uid_t uid;
	gid_t gid;
	gid_t groups[64];
	int groups_len;
};
/*
 * Asks the kernel for the peer's process, user and groups. 0, or -1 and
 * INTERNAL.
 */
int caller_read(int fd, struct caller *, struct error *);
/* Whether the peer is root, own_uid or in own_gid, unless own_gid is 0. */
bool caller_allowed(const struct caller *, uid_t own_uid, gid_t own_gid);

/* stream.c: an answer that goes on after the handler has returned. */
struct stream {
	struct request *request;
	bool busy;                        /* a piece is being sent */
	struct event *timer;
	/*
	 * Sends at most one piece with stream_send(), or ends the stream. It is
	 * called at the beginning, when a piece has been sent, on
	 * stream_wake(), and by the timer.
	 */
	void (*more)(struct stream *, bool by_timer);
	void (*release)(struct stream *); /* frees the struct that contains the stream */
	LIST_ENTRY(stream) entry;
};
/*
 * Begins a stream and takes the request over. s is the first member of a larger
 * struct of the handler's, with more and release set. timer_s is the interval
 * of the timer in seconds, 0 for no timer.
 */
void stream_begin(struct stream *, struct request *, const char *type, int timer_s);
/* Copies and sends one piece; only while none is being sent. */
void stream_send(struct stream *, const void *, size_t);
/* Ends the answer and frees the stream. */
void stream_end(struct stream *);
/* Calls more, unless a piece is being sent. */
void stream_wake(struct stream *);
/* Frees the stream without ending the answer: the API is closing. */
void stream_cut(struct stream *);

/* The handlers of the routes; api_routes says what each does. */
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
