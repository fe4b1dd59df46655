/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract between drover and its plugins: the only header a plugin
 * includes.
 *
 * A plugin is one shared object NAME.so that exports one data symbol,
 * drover_plugin_v1. Everything in it is checked before any of its code runs.
 * Structs here grow by appending only; a member whose meaning changes gets a
 * new major version, and with it a new symbol name. doc/abi-history.md lists
 * what each minor version added, drover-plugin(7) tells when each callback is
 * called.
 *
 * Rules that hold everywhere:
 * - Strings that go in are borrowed for the length of the call. What comes out
 *   is copied by the receiver: neither side frees memory of the other.
 * - Text is UTF-8, NUL-terminated unless a length stands beside it.
 * - Times are int64_t milliseconds; wall times count from 1970-01-01 UTC.
 * - Functions return 0 (or a count) when they succeed, and a negative enum
 *   drover_class otherwise, with the reason in the caller's struct
 *   drover_error. The class decides what drover does next, so a plugin neither
 *   sleeps nor retries.
 * - A plugin starts no thread, forks no process (use exec), installs no signal
 *   handler and leaves umask, cwd, locale and environ alone. It keeps no socket
 *   or file open between callbacks.
 */
#ifndef DROVER_PLUGIN_H
#define DROVER_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DROVER_ABI_MAJOR 1
#define DROVER_ABI_MINOR 1
#define DROVER_PLUGIN_MAGIC 0x44525652u /* "DRVR" */

#if defined(__GNUC__)
#define DROVER_EXPORT __attribute__((visibility("default")))
#define DROVER_PRINTF(a, b) __attribute__((format(printf, a, b)))
#else
#define DROVER_EXPORT
#define DROVER_PRINTF(a, b)
#endif

/*
 * True when the table at p is new enough to have the member, and has it. Reads
 * p->size before anything else.
 */
#define DROVER_HAS(p, member) \
	((p) != NULL && \
	    (p)->size >= (uint32_t)(offsetof(__typeof__(*(p)), member) + sizeof((p)->member)) && \
	    (p)->member != NULL)

/*
 * Bounds that both sides rely on, in bytes. A longer value is refused with
 * DROVER_PERMANENT, never cut.
 */
#define DROVER_NAME_MAX 64        /* names of plugins, sources, pipelines, pools, repos, agents */
#define DROVER_KEY_MAX 256        /* keys of jobs, effects and key-value data */
#define DROVER_TITLE_MAX 512      /* titles of items */
#define DROVER_PAYLOAD_MAX 65536  /* payloads of items, requests and replies of operations */
#define DROVER_VALUE_MAX 65536    /* key-value data, cursors, results of effects */
#define DROVER_ERROR_MAX 512

enum drover_class {
	DROVER_OK = 0,
	DROVER_AGAIN = -1,     /* transport trouble: try later, not before retry_after_ms */
	DROVER_QUOTA = -2,     /* a limit of the provider: pause until retry_after_ms has passed;
				  uses up no attempt */
	DROVER_AUTH = -3,      /* a credential was refused */
	DROVER_CONFIG = -4,    /* the configuration is wrong: a person must change it */
	DROVER_PERMANENT = -5, /* will fail the same way every time: the job is dead at once */
	DROVER_HUMAN = -6,     /* a person must decide: the job is held */
	DROVER_CANCELLED = -7, /* it was asked to stop */
	DROVER_FENCED = -8,    /* a newer attempt has taken over: stop, and do not write any more */
	DROVER_INTERNAL = -9,  /* a defect, or a failure that fits no other class; counts as a
				  failure and is retried */
};

struct drover_error {
	int32_t code;              /* enum drover_class */
	uint32_t reserved;
	int64_t retry_after_ms;    /* 0 if the core may choose */
	char text[DROVER_ERROR_MAX];
};

enum drover_level { DROVER_DEBUG, DROVER_INFO, DROVER_NOTICE, DROVER_WARN, DROVER_ERR };

/*
 * What a callback works for: a plugin, one of its sources, or one attempt of a
 * job. It is the first argument of every service; leases, key-value data and
 * log lines belong to it and are reclaimed with it. A plugin may read the first
 * member only.
 */
struct drover_scope {
	const struct drover_host *host;
};

enum drover_type {
	DROVER_STRING,
	DROVER_BOOL,
	DROVER_INT,       /* int64_t */
	DROVER_DURATION,  /* "30s", "50m", "2h"; read as milliseconds */
	DROVER_SIZE,      /* "512K", "2G"; read as bytes */
	DROVER_PATH,      /* made absolute against the configuration file's folder */
	DROVER_LIST,      /* list of strings */
};

#define DROVER_REQUIRED 0x1u
#define DROVER_SECRET 0x2u /* given as KEY_file, KEY_env or KEY_command; a literal is refused */

struct drover_option {
	const char *key;      /* NULL ends a table */
	int32_t type;         /* enum drover_type */
	uint32_t flags;
	const char *fallback; /* default as it would be written, or NULL */
	const char *help;     /* one sentence */
};

struct drover_field {
	const char *key, *value;
};

#define DROVER_PERSON_SELF 0x1u /* the account that drover itself works as: never starts work */
#define DROVER_PERSON_BOT 0x2u  /* another program: never starts work */

/*
 * The person who asked for something, as the plugin knows them from the outside
 * system. The core decides what follows.
 */
struct drover_person {
	uint32_t size;            /* sizeof(struct drover_person) */
	uint32_t flags;
	const char *id; /* required: a login or account id, as people write it in `authors`. One
			   that reads as a mark is given a prefix: "login:member" */
	const char *name;         /* for people, or NULL */
	const char *const *marks; /* what else in `authors` stands for this person: "member",
				     "permission:write", "@acme/devs"; NULL-terminated, or NULL */
};

/*
 * The key ends in "@REVISION". When this item is taken, waiting and held jobs
 * of its kind for another revision of the same thing are cancelled. A job that
 * runs goes on.
 */
#define DROVER_ITEM_REPLACES 0x1u

/*
 * One piece of work that a source hands over. It becomes a job unless a job
 * with its kind and key is active already.
 */
struct drover_item {
	uint32_t size;            /* sizeof(struct drover_item) */
	int32_t priority;         /* -100 to 100, higher first; 0 is usual */
	const char *kind;         /* required: full name of the pipeline, as "inbox.ticket" */
	const char *key; /* required: tracker + id + revision of the trigger, never a title */
	const char *serial;       /* jobs of one serial run one after the other; or NULL */
	const char *title;        /* for people; may be untrusted text */
	const char *repo;         /* configured repo, or NULL */
	const char *agent;        /* configured agent, or NULL for the pipeline's own */
	const char *pool;         /* configured pool, or NULL for the pipeline's own */
	const char *payload;      /* for the pipeline; need not be NUL-terminated */
	uint64_t payload_len;     /* at most DROVER_PAYLOAD_MAX */
	/* since 1.1 */
	const struct drover_person *author; /* who asks; a source that has authors must say it,
					       and the core refuses strangers */
	uint32_t flags;           /* DROVER_ITEM_* */
	uint32_t reserved;
};

/* How a job of a source ended, for settle(). */
struct drover_settled {
	uint32_t size;
	uint32_t attempts;
	uint64_t job;
	const char *kind, *key, *trace;
	const char *state;        /* "succeeded", "dead" or "cancelled" */
	const char *error;        /* text of the last failure, or "" */
	const char *payload;      /* as it was emitted */
	uint64_t payload_len;
	const char *result; /* JSON object with what the attempts reported: branch, commits,
			       checks, tokens, ... */
	int64_t queued_at, started_at, ended_at;
};

/*
 * A source polls one outside system. poll() and settle() are never called at
 * the same time. A source hands items over with queue->emit and moves its
 * cursor with queue->cursor; both are kept in one transaction when poll()
 * returns 0, and neither when it fails.
 */
struct drover_source {
	uint32_t size;
	uint32_t reserved;
	const char *name; /* [a-z0-9-]+; "ticket" in plugin "inbox" is "inbox.ticket" */
	const char *summary;
	const struct drover_option *options;  /* or NULL */
	int64_t interval_ms;                  /* between polls, unless configured */
	int (*open)(struct drover_scope *, void *plugin, void **source,
	    struct drover_error *); /* optional */
	int (*poll)(struct drover_scope *, void *source, const char *cursor,
	    struct drover_error *); /* required */
	/*
	 * Optional. Called at least once for each ended job of an item that
	 * this source emitted, in the order in which they ended; it may come
	 * before the next poll(). A failure of any class is tried again every
	 * 30 s without end.
	 */
	int (*settle)(struct drover_scope *, void *source, const struct drover_settled *,
	    struct drover_error *);
	void (*close)(struct drover_scope *, void *source); /* optional */
	/* since 1.1 */
	/*
	 * The marks of those who may start work unless `authors` is configured,
	 * NULL-terminated. A word of this list is never taken for an id. NULL
	 * if this source has no authors (such as files): it then takes no key
	 * `authors`.
	 */
	const char *const *authors;
	/*
	 * Optional. Waits for word from outside (a socket) in a process of its
	 * own for as long as the source is enabled, may block, and calls
	 * queue->wake so that poll() comes now. The source is polled all the
	 * same. It returns 0 to be called again at once, or a class to be
	 * called again with backoff or after retry_after_ms. After
	 * DROVER_CONFIG it is not called before a reload; without a text that
	 * class says only that listening is not configured. It is killed when
	 * its runner stops; with --in-process it is a thread, which must look
	 * at queue->cancelled every few seconds.
	 */
	int (*listen)(struct drover_scope *, void *source, struct drover_error *);
};

/* The job that a pipeline carries out. */
struct drover_job {
	uint32_t size;
	uint32_t attempt;         /* from 1 */
	uint64_t id;
	uint64_t epoch;           /* fencing token of this attempt */
	const char *kind, *key, *trace, *title;
	const char *repo, *agent; /* or "" */
	const char *payload;
	uint64_t payload_len;
	int64_t queued_at;
	/* since 1.1 */
	const char *source; /* the source that emitted it, "github.pr-comment", or "" */
};

/*
 * A prompt that a pipeline renders with host->prompt: a file NAME.md with
 * {{variables}}.
 */
struct drover_prompt {
	uint32_t size;
	uint32_t reserved;
	const char *name;                     /* [a-z0-9-]+ */
	const char *const *variables;         /* names that it may use, NULL-terminated */
};

/*
 * A pipeline carries out one kind of job. run() is straight-line code in a
 * process of its own and may block.
 */
struct drover_pipeline {
	uint32_t size;
	int32_t retries; /* attempts after the first, unless configured; at most 100 */
	const char *name;                     /* [a-z0-9-]+ */
	const char *summary;
	const struct drover_option *options;
	const char *pool;                     /* NULL means "light" */
	int64_t timeout_ms;                   /* total time of one attempt; 0 means 50 minutes */
	int64_t silence_ms; /* an attempt without output and CPU use for so long is ended; 0 means
			       5 minutes */
	int (*run)(struct drover_scope *, void *plugin, const struct drover_job *,
	    struct drover_error *); /* required */
	/* since 1.1 */
	const struct drover_prompt *const
	    *prompts; /* NULL-terminated, or NULL; `drover config check` reads each file */
};

/*
 * Since 1.1: the reply holds a credential. Only drover itself calls such an
 * operation, for a repo whose token_from names the plugin; call->call and
 * `drover call` are refused. This guards against mistakes of other plugins and
 * of operators, not against attacks: drover calls it from a process in which a
 * plugin's code runs.
 */
#define DROVER_OPERATION_CREDENTIAL 0x1u

/*
 * A call that the plugin offers to other plugins and to `drover call`. It
 * answers with call->reply.
 */
struct drover_operation {
	uint32_t size;
	uint32_t flags;
	const char *name;
	const char *summary;
	int64_t timeout_ms;                   /* 0 means 60 s */
	int (*call)(struct drover_scope *, void *plugin, const char *request, uint64_t len,
	    struct drover_error *); /* required */
};

/*
 * A request to POST /hooks/PLUGIN of drover's HTTP server, as it came. It is
 * not verified.
 */
struct drover_delivery {
	uint32_t size;
	uint32_t reserved;
	const char *body;                     /* raw bytes, NUL-terminated */
	uint64_t body_len;                    /* at most 1 MiB */
	const struct drover_field *headers;   /* names in lower case */
	uint64_t headers_len;
};

/* How hook() answers a delivery. */
struct drover_receipt {
	uint32_t size;
	int32_t status;                       /* HTTP status of the answer; 0 means 202 */
	char id[DROVER_KEY_MAX]; /* id of the delivery, or ""; one that was seen before is answered
				    and wakes no source */
	char type[64];                        /* content type of body; "" means text/plain */
	char body[4096];                      /* body of the answer */
};

struct drover_plugin {
	uint32_t magic;                       /* DROVER_PLUGIN_MAGIC */
	uint32_t size;                        /* sizeof(struct drover_plugin) */
	uint16_t major, minor;                /* of the header that it was built with */
	uint16_t needs_minor;                 /* the oldest minor version that it runs on */
	uint16_t reserved;
	const char *name;                     /* file name without ".so"; [a-z0-9_-]+ */
	const char *version;                  /* of the plugin */
	const char *summary;
	const struct drover_option *options;  /* or NULL */
	const struct drover_source *const *sources;       /* NULL-terminated, or NULL */
	const struct drover_pipeline *const *pipelines;
	const struct drover_operation *const *operations;
	/*
	 * Called once in a runner, before anything else. *plugin is handed to
	 * every other callback.
	 */
	int (*open)(struct drover_scope *, void **plugin, struct drover_error *);  /* optional */
	void (*close)(struct drover_scope *, void *plugin);                        /* optional */
	/* since 1.1 */
	/*
	 * Optional. Checks the signature over the raw bytes and their age, then
	 * calls queue->wake for the sources that have something to poll. Runs
	 * as an operation does, within 3 s. A failure is answered with 401
	 * (AUTH), 400 (PERMANENT, HUMAN) or 503, without a text.
	 */
	int (*hook)(struct drover_scope *, void *plugin, const struct drover_delivery *,
	    struct drover_receipt *, struct drover_error *);
};

/* Fills in the fields that the author of a plugin could forget. */
#define DROVER_PLUGIN_HEADER \
	.magic = DROVER_PLUGIN_MAGIC, .size = sizeof(struct drover_plugin), \
	.major = DROVER_ABI_MAJOR, .minor = DROVER_ABI_MINOR

extern DROVER_EXPORT const struct drover_plugin drover_plugin_v1;

/*
 * Each call writes one line of JSON to drover's log. Secrets are masked and
 * untrusted bytes escaped. Neither can fail.
 */
struct drover_host_log {
	uint32_t size;
	void (*line)(struct drover_scope *, int level, const char *message,
	    const struct drover_field *, size_t n);
	void (*printf)(struct drover_scope *, int level, const char *format, ...)
	    DROVER_PRINTF(3, 4);
};

/*
 * Typed values of the scope's own options, and of its plugin's options for keys
 * that the scope does not have. Strings live as long as the scope.
 */
struct drover_host_option {
	uint32_t size;
	const char *(*string)(struct drover_scope *,
	    const char *key); /* NULL without a value and a default */
	int64_t (*integer)(struct drover_scope *,
	    const char *key); /* also bool (0, 1), duration (ms) and size (bytes) */
	size_t (*count)(struct drover_scope *, const char *key);        /* length of a list */
	const char *(*item)(struct drover_scope *, const char *key, size_t index);
};

struct drover_host_capacity {
	uint32_t size;
	/* How many jobs of a kind may be handed over now: 0 or more. */
	int (*available)(struct drover_scope *, const char *kind, struct drover_error *);
};

struct drover_host_queue {
	uint32_t size;
	/*
	 * Hands an item over. In poll() it is kept with the cursor when poll()
	 * returns 0; in run() it becomes a job at once. Returns 0 when it is
	 * taken, even if a job with this kind and key is active already.
	 * PERMANENT (a value over its bound) and CONFIG (a repo, agent or pool
	 * that is not configured) mean that this item is not taken; the other
	 * items are. An item that only the core can refuse becomes a held job.
	 */
	int (*emit)(struct drover_scope *, const struct drover_item *, struct drover_error *);
	/*
	 * In poll() only: sets what the next poll() is handed, at most
	 * DROVER_VALUE_MAX bytes.
	 */
	int (*cursor)(struct drover_scope *, const char *cursor, struct drover_error *);
	/*
	 * In open() of a source only: the next poll comes at once when a file
	 * is made in this folder, is written and closed, or is moved in or out.
	 */
	int (*watch)(struct drover_scope *, const char *path, struct drover_error *);
	/*
	 * In run() only: adds a value to the job's result, which `drover show`
	 * prints and settle() gets.
	 */
	int (*result)(struct drover_scope *, const char *key, const char *value,
	    struct drover_error *);
	/*
	 * 1 once the job was asked to stop. Since 1.1 also in poll() and
	 * listen(), once the runner was asked to stop.
	 */
	int (*cancelled)(struct drover_scope *);
	/*
	 * In poll() only: the next poll comes after delay_ms (at least 100 ms),
	 * or after its interval if that is shorter.
	 */
	int (*again)(struct drover_scope *, int64_t delay_ms, struct drover_error *);
	/* since 1.1 */
	/*
	 * In hook(), listen() and operations: has this source of the plugin
	 * ("pr-comment") polled now, or once more if it is being polled.
	 */
	int (*wake)(struct drover_scope *, const char *source, struct drover_error *);
};

#define DROVER_PATH_MAX 1024

struct drover_lease {
	uint32_t size;
	uint32_t reserved;
	uint64_t handle;
	char path[DROVER_PATH_MAX];   /* absolute folder of the worktree */
	char base[128];               /* the commit at which it stands, hexadecimal */
};

struct drover_host_lease {
	uint32_t size;
	/*
	 * Gives a clean worktree of a configured repo, with HEAD detached at
	 * ref: a branch, tag or commit, or NULL for the repo's base branch.
	 */
	int (*acquire)(struct drover_scope *, const char *repo, const char *ref,
	    struct drover_lease *, struct drover_error *);
	/*
	 * Saves what is not pushed to refs/drover/wip/, cleans the worktree and
	 * hands it back. The end of the job does the same.
	 */
	int (*release)(struct drover_scope *, uint64_t handle, struct drover_error *);
	/* Makes an empty folder, which is removed with the job. */
	int (*scratch)(struct drover_scope *, char *path, size_t size, struct drover_error *);
	/* since 1.1 */
	/*
	 * Brings the mirrors of several repos up to date, side by side, so that
	 * acquire() is quick afterwards. Fails with the error of the first repo
	 * that could not be fetched.
	 */
	int (*fetch)(struct drover_scope *, const char *const *repos, size_t n,
	    struct drover_error *);
};

/*
 * A command: argv, never a shell. It runs in a process group of its own and
 * sees no variable of the daemon's.
 */
struct drover_command {
	uint32_t size;
	uint32_t flags;                /* reserved, 0 */
	const char *const *argv;       /* NULL-terminated; argv[0] is looked up in PATH */
	const char *const *env;        /* "NAME=value" to add, NULL-terminated, or NULL */
	const char *cwd; /* absolute; required. "/" for a command that touches no files */
	const char *input;             /* for stdin, or NULL for /dev/null */
	uint64_t input_len;
	int64_t timeout_ms;            /* 0 means as long as the job may take */
	/*
	 * Called for each line of stdout, without its newline; a line longer
	 * than 1 MiB comes in pieces. May be NULL.
	 */
	void (*line)(void *arg, const char *line, size_t len);
	void *arg;
};

struct drover_outcome {
	uint32_t size;
	int32_t status;                /* exit status, or -1 when a signal ended it */
	int32_t signal;                /* the signal that ended it, or 0 */
	int32_t timed_out;             /* 1 if timeout_ms was reached */
	int64_t wall_ms, cpu_ms;
	uint64_t output;               /* bytes that it wrote to stdout and stderr */
	char tail[4096];               /* the last bytes of both, in the order they came */
};

struct drover_host_exec {
	uint32_t size;
	/*
	 * Returns 0 when the command ran, whatever its status. Processes that
	 * it left behind are killed. Its output is part of the attempt's.
	 */
	int (*run)(struct drover_scope *, const struct drover_command *, struct drover_outcome *,
	    struct drover_error *);
};

struct drover_usage {
	int64_t input;                 /* tokens read, without those from a cache */
	int64_t cached;                /* tokens read from a cache */
	int64_t output;                /* tokens written */
	int64_t turns;
	int64_t cost_microusd;         /* what the agent says, or 0 */
};

/*
 * Since 1.1: uses the agent's read_only command if it has one. What the run
 * changed in leased worktrees is undone afterwards, and logged.
 */
#define DROVER_AGENT_READ_ONLY 0x1u

struct drover_agent_run {
	uint32_t size;
	uint32_t flags;
	const char *agent;             /* a configured agent; NULL means the job's */
	const char *prompt;
	const char *cwd;
	int64_t timeout_ms;            /* 0 means as long as the job may take */
};

struct drover_agent_result {
	uint32_t size;
	int32_t status;                /* of the process */
	struct drover_usage usage;
	char text[16384];              /* the agent's last message: a claim, not a fact */
};

struct drover_host_agent {
	uint32_t size;
	/*
	 * Runs an agent. QUOTA, AUTH and AGAIN are read from what it printed;
	 * any other failure is INTERNAL. Its usage counts in all cases.
	 */
	int (*run)(struct drover_scope *, const struct drover_agent_run *,
	    struct drover_agent_result *, struct drover_error *);
};

#define DROVER_HTTP_CRITICAL \
	0x1u /* a person waits for it: may use the fifth that limits hold back from polls */
#define DROVER_HTTP_CACHED \
	0x2u /* of a GET: the answer is kept with its ETag, the next request has If-None-Match, \
		and a 304 gives the kept answer */
#define DROVER_HTTP_ONCE \
	0x4u /* doing it twice does harm: sent again only if it certainly was not done (no \
		connection, 429, a judge's AGAIN or QUOTA) */
#define DROVER_HTTP_SECRET_BODY \
	0x8u /* the body must carry a secret, such as a password that is exchanged for a token; \
		without it drover puts *** in the place of each secret in a body */

/*
 * A rate: at most count requests in per_ms, of all runners and jobs together.
 * The core keeps a token bucket for each (origin, credential, name).
 */
struct drover_http_limit {
	const char *name;
	uint32_t count;
	uint32_t burst;                /* how many at once; 1 spaces them evenly */
	int64_t per_ms;
};

struct drover_http_response {
	uint32_t size;
	int32_t
	    status; /* 200, with the kept body and headers, if the answer was a 304 to
		       drover's own condition */
	const char *body;              /* NUL-terminated; lives until the scope's next request */
	uint64_t body_len;
	const char *url;               /* the one that was asked */
	const char *next; /* rel="next" of header Link, unchanged, or NULL. If it is on another
			     origin the request fails */
	int32_t not_modified;          /* 1 if it was a 304 and the body is the kept one */
	int32_t tries;
	uint64_t opaque;               /* for http->header; of no use to the plugin */
};

/*
 * What an answer means. code 0 says that the request succeeded, even by a 404
 * that is not a failure.
 */
struct drover_http_verdict {
	uint32_t size;
	int32_t
	    code; /* enum drover_class; AGAIN and QUOTA are tried again within the request's time */
	int64_t retry_after_ms;        /* no request is sent before; 0 means the host's backoff */
	const char *limit; /* name of the limit that was hit; NULL means all requests of this
			      origin and credential */
	char text[DROVER_ERROR_MAX];
};

struct drover_http_request {
	uint32_t size;
	uint32_t flags;
	const char *method;            /* "GET", "POST", ... */
	const char *base; /* "https://host[:port][/prefix]"; http:// to a loopback address only */
	const char *path; /* begins with "/" and is appended to base; or an absolute URL with the
			     origin of base (header Link) */
	const struct drover_field *headers; /* without those that the host sets: Host,
					       Content-Length, User-Agent, If-None-Match */
	uint64_t headers_len;
	const char *body;              /* or NULL */
	uint64_t body_len;
	const char *credential;        /* name of the account, not its secret: "app/123", "bot" */
	const struct drover_http_limit *limits;
	uint64_t limits_len;           /* at most 4 */
	int64_t timeout_ms;            /* of one try; 0 means 30 s */
	int64_t patience_ms; /* of all tries and waits together; 0 means 60 s, in poll() 20 s. Ends
				at the callback's deadline at the latest */
	uint64_t max; /* bytes that the body may have; 0 means 8 MiB. A longer one is PERMANENT */
	/*
	 * Reads an answer before it is decided whether to try again; may be
	 * NULL. verdict comes filled with the host's own: AUTH for 401, AGAIN
	 * for 408, 425 and 5xx, QUOTA for 429 and for a 403 with a reset or
	 * Retry-After, 0 for 2xx and for other 4xx.
	 */
	void (*judge)(void *arg, struct drover_scope *, const struct drover_http_response *,
	    struct drover_http_verdict *verdict);
	void *arg;
};

struct drover_host_http {
	uint32_t size;
	/*
	 * Returns 0 when the verdict is 0, whatever the status; else AGAIN
	 * (transport, open breaker), QUOTA (limits), AUTH, or what judge said.
	 * Redirects of a GET are followed on the same origin only, such as to a
	 * renamed repository, and at most three times.
	 */
	int (*send)(struct drover_scope *, const struct drover_http_request *,
	    struct drover_http_response *, struct drover_error *);
	/*
	 * A header of this scope's last answer, by its name in any case, or
	 * NULL.
	 */
	const char *(
	    *header)(struct drover_scope *, const struct drover_http_response *, const char *name);
};

struct drover_diff {
	uint32_t size;
	uint32_t files;
	uint64_t added, removed;       /* lines */
	uint64_t bytes;                /* of the changed files as they are now */
};

struct drover_host_git {
	uint32_t size;
	/* What the worktree and its commits changed since the lease's base. */
	int (*diff)(struct drover_scope *, uint64_t lease, struct drover_diff *,
	    struct drover_error *);
	/*
	 * Commits all changes, new files too. Returns 1 if it made a commit, 0
	 * if there was no change. commit is NULL or has at least 41 bytes.
	 */
	int (*commit)(struct drover_scope *, uint64_t lease, const char *message, char *commit,
	    size_t size, struct drover_error *);
	/*
	 * Pushes the commit that the last commit() of this lease named to a
	 * branch under drover/, wherever HEAD is by now; before the first
	 * commit() it pushes HEAD. Doing it twice has the effect of doing it
	 * once.
	 */
	int (*push)(struct drover_scope *, uint64_t lease, const char *branch,
	    struct drover_error *);
};

/*
 * Durable text by key. A key that begins with "job/" belongs to the job, any
 * other to the plugin.
 */
struct drover_host_kv {
	uint32_t size;
	/*
	 * Writes the value as snprintf does and returns its length, at most
	 * DROVER_VALUE_MAX. Returns -1 with code 0 if the key has no value.
	 */
	int64_t (*get)(struct drover_scope *, const char *key, char *value, size_t size,
	    struct drover_error *);
	int (
	    *set)(struct drover_scope *, const char *key, const char *value, struct drover_error *);
	int (*remove)(struct drover_scope *, const char *key, struct drover_error *);
};

struct drover_host_secret {
	uint32_t size;
	/*
	 * The present value of a SECRET option. Ask each time, and wipe it
	 * after use. Returns its length, as kv->get does.
	 */
	int64_t (*get)(struct drover_scope *, const char *key, char *value, size_t size,
	    struct drover_error *);
	/* since 1.1 */
	/*
	 * Hides a secret that was made of another (an installation token) from
	 * now on, in all that drover stores, logs, answers and posts.
	 */
	void (*mask)(struct drover_scope *, const char *value);
	/* 1 when the SECRET option is configured. */
	int (*given)(struct drover_scope *, const char *key);
};

enum drover_effect_state {
	DROVER_EFFECT_NEW = 0,    /* it was not begun: do it, then call done */
	DROVER_EFFECT_DONE = 1,   /* it was done: result holds what done was given */
	DROVER_EFFECT_UNSURE = 2, /* it was begun and its end is not known: look for its marker
				     outside before you do it again */
};

/* One write to the outside, which happens once whatever crashes. */
struct drover_host_effect {
	uint32_t size;
	int (*begin)(struct drover_scope *, const char *key, char *result, size_t size,
	    struct drover_error *); /* enum drover_effect_state */
	int (*done)(struct drover_scope *, const char *key, const char *result,
	    struct drover_error *);
};

/*
 * Since 1.1: branch (required, and not the repo's base) exists at the remote
 * already, like that of a pull request. The work starts at its tip and is
 * pushed onto it, fast-forward only. If it moved meanwhile, the next attempt
 * starts over from the new tip.
 */
#define DROVER_CHANGE_ONTO 0x1u

/*
 * A whole code change: lease, setup, agent, guard, check, follow-up, commit,
 * push. The next attempt goes on after the last finished step.
 */
struct drover_change {
	uint32_t size;
	uint32_t flags;
	const char *repo;              /* NULL means the job's */
	const char *ref;               /* NULL means the repo's base branch */
	const char *agent;             /* NULL means the job's */
	const char *title;             /* subject of the commit */
	const char *prompt;
	const char *branch; /* under drover/; NULL means one made of the job's key and title */
	const char *trailers;          /* lines "Name: value", or NULL */
	int64_t agent_timeout_ms;      /* 0 means 30 minutes */
	int64_t followup_timeout_ms;   /* 0 means 15 minutes */
};

struct drover_change_result {
	uint32_t size;
	int32_t changed;               /* 0 if the agent changed no file; then there was no push */
	int32_t checked;               /* 1 if the repo's checks passed, 0 if it has no checks */
	int32_t followups;
	struct drover_usage usage;
	struct drover_diff diff;
	char branch[256];
	char commit[128];
	char text[16384];              /* the agent's last message */
	/*
	 * Since 1.1: files that the checks are made of and that this commit
	 * changes ("Makefile, test/run.sh"), or "". Say "checks pass as changed
	 * by this commit" then.
	 */
	char check_files[1024];
};

struct drover_host_change {
	uint32_t size;
	int (*run)(struct drover_scope *, const struct drover_change *,
	    struct drover_change_result *, struct drover_error *);
};

struct drover_host_call {
	uint32_t size;
	/*
	 * Calls "plugin.operation" and waits. Returns the length of the reply,
	 * as kv->get does.
	 */
	int64_t (*call)(struct drover_scope *, const char *operation, const char *request,
	    uint64_t len, char *reply, size_t size, struct drover_error *);
	/* In an operation: gives the answer, once. */
	int (*reply)(struct drover_scope *, const char *reply, uint64_t len, struct drover_error *);
};

struct drover_host_time {
	uint32_t size;
	int64_t (*now)(struct drover_scope *);       /* wall clock */
	int64_t (*monotonic)(struct drover_scope *);
	int64_t (*remaining)(struct drover_scope *); /* until this callback's deadline */
};

/*
 * Since 1.1: who may start work through a source and be quoted in its prompts,
 * which is `authors` in the source's configuration.
 */
struct drover_host_trust {
	uint32_t size;
	/*
	 * 1 if the person may start work; 0 if they are not among the authors,
	 * a bot, or drover itself. source is a name such as "pr-comment", or
	 * NULL for the scope's own source or its job's.
	 */
	int (*allows)(struct drover_scope *, const char *source, const struct drover_person *,
	    struct drover_error *);
	/*
	 * The source's authors in order, and NULL past the last: they tell
	 * which marks are worth finding out.
	 */
	const char *(*author)(struct drover_scope *, const char *source, size_t index);
};

/*
 * Since 1.1: what was said before about one subject (a pull request, a ticket,
 * a thread). The core keeps it for the plugin; entries are only added.
 */
struct drover_host_memory {
	uint32_t size;
	/*
	 * Adds an entry, once for each key: the same (subject, key) again has
	 * no effect. text is stripped as a prompt's value is, and cut at
	 * 16 KiB.
	 */
	int (*append)(struct drover_scope *, const char *subject, const char *key, const char *role,
	    const char *text, struct drover_error *);
	/*
	 * The newest entries that fit, oldest first: "ROLE: TEXT" with an empty
	 * line between two, and further lines of a text indented. Returns the
	 * length as kv->get does; 0 if there are no entries.
	 */
	int64_t (*read)(struct drover_scope *, const char *subject, char *text, size_t size,
	    struct drover_error *);
	int (*forget)(struct drover_scope *, const char *subject, struct drover_error *);
};

#define DROVER_TRUSTED \
	0x1u /* the value goes in as it is, not as fenced data: only for what the plugin wrote */

struct drover_variable {
	const char *name;
	const char *value;          /* NULL means empty */
	uint32_t flags;
	uint32_t reserved;
};

/* Since 1.1: the prompts that a pipeline declares. */
struct drover_host_prompt {
	uint32_t size;
	/*
	 * Fills in the prompt NAME of the job's pipeline. The file is the first
	 * of these: in the `prompts` folder of the source, of the repo, of the
	 * configuration, or drover's own (PKGDATADIR/prompts/PLUGIN/NAME.md).
	 * Untrusted values are stripped of HTML comments, zero-width and
	 * bidirectional characters and fenced by a random delimiter that the
	 * prompt explains. repo may be NULL for the job's. The string lives
	 * until the scope's next render; it is NULL on error, with PERMANENT if
	 * there is no such prompt.
	 */
	const char *(*render)(struct drover_scope *, const char *name, const char *repo,
	    const struct drover_variable *, size_t n, struct drover_error *);
};

/*
 * Since 1.1: what a plugin may know about a configured repo. Strings live as
 * long as the scope; "" stands for a key that is not configured.
 */
struct drover_repo {
	uint32_t size;
	uint32_t reserved;
	const char *name, *url, *base, *forge;
};

struct drover_host_repo {
	uint32_t size;
	/* By index, in the order of the configuration; -1 past the last. */
	int (*at)(struct drover_scope *, size_t index, struct drover_repo *);
	/* By name; -1 if no such repo is configured. */
	int (*find)(struct drover_scope *, const char *name, struct drover_repo *);
};

/* A group of services that was not granted is NULL. */
struct drover_host {
	uint32_t size;
	uint16_t major, minor;
	const struct drover_host_log *log;
	const struct drover_host_option *option;
	const struct drover_host_capacity *capacity;
	const struct drover_host_queue *queue;
	const struct drover_host_lease *lease;
	const struct drover_host_exec *exec;
	const struct drover_host_agent *agent;
	const struct drover_host_http *http;
	const struct drover_host_git *git;
	const struct drover_host_kv *kv;
	const struct drover_host_secret *secret;
	const struct drover_host_effect *effect;
	const struct drover_host_change *change;
	const struct drover_host_call *call;
	const struct drover_host_time *time;
	/* since 1.1 */
	const struct drover_host_trust *trust;
	const struct drover_host_memory *memory;
	const struct drover_host_prompt *prompt;
	const struct drover_host_repo *repo;
};

#ifdef __cplusplus
}
#endif

#endif
