/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host for tests of plugins: the service table of plugin.h, whose calls are
 * recorded and answered as the test says. The record lies in shared memory, so
 * that a forked child can be killed at any step and its parent sees what it had
 * done until then.
 */
#ifndef FAKE_HOST_H
#define FAKE_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include <drover/plugin.h>

#define FAKE_ITEMS 1100
#define FAKE_PAIRS 64

struct fake_pair {
	char key[64];
	char value[1024];
};

struct fake_item {
	int32_t priority;
	char kind[DROVER_NAME_MAX * 2], key[DROVER_KEY_MAX], serial[DROVER_KEY_MAX],
	    title[DROVER_TITLE_MAX];
	char author[DROVER_KEY_MAX], marks[512]; /* marks: one a line */
	uint32_t author_flags;
	char repo[DROVER_NAME_MAX], agent[DROVER_NAME_MAX], pool[DROVER_NAME_MAX];
	uint64_t payload_len, payload_hash;
	char payload[1024];              /* the first of it */
};

/* An answer of the outside. Its strings are borrowed. */
struct fake_answer {
	const char *method, *path;       /* path: the begin of what was asked behind base */
	int status;                      /* 0: the transport fails with AGAIN */
	const char *headers, *body;      /* headers: "Name: value" lines, or NULL */
	bool kept, used;                 /* kept: given as often as it is asked for */
	bool late;                       /* given only to who asks again in one poll */
};

/* A request as it went out. */
struct fake_request {
	char method[16], path[1024], base[256], credential[128];
	char headers[2048];              /* "Name: value" lines */
	char body[16384];
	uint32_t flags;
	int status;                      /* of its answer */
	struct fake_answer *answer;      /* NULL: none was there */
};

struct fake_kept {
	char key[DROVER_KEY_MAX];
	char value[DROVER_VALUE_MAX + 1];
	int state; /* of an effect: enum drover_effect_state of who begins it next */
};

struct fake_call {
	char operation[2 * DROVER_NAME_MAX];
	char request[DROVER_PAYLOAD_MAX + 1];
};

struct fake_line {
	char subject[DROVER_KEY_MAX], key[DROVER_KEY_MAX], role[DROVER_NAME_MAX], text[4096];
};

#define FAKE_ANSWERS 256
#define FAKE_KEPT 64

/*
 * What lies outside of the plugin: the web, the core's memory, the
 * configuration, other plugins.
 */
struct fake_outside {
	struct fake_answer answers[FAKE_ANSWERS];
	int nanswers;
	struct fake_request requests[FAKE_ANSWERS];
	int nrequests, poll_begin;       /* poll_begin: the first request of this poll */
	struct fake_answer *current;     /* of the last request */
	char url[2048], next[2048], header[4096];

	struct fake_pair repos[16];      /* name and url */
	char forges[16][DROVER_NAME_MAX];
	int nrepos;
	char trusted[16][DROVER_KEY_MAX];/* ids and marks */
	int ntrusted;
	struct { char key[64], value[8192]; } secrets[16];
	int nsecrets;
	char masked[4096];               /* a line each */
	struct fake_kept kv[FAKE_KEPT], effects[FAKE_KEPT];
	int nkv, neffects;
	struct fake_line memory[FAKE_KEPT];
	int nmemory;

	struct {
		const char *operation, *reply;
		int code;
	} replies[16]; /* of other plugins, borrowed */
	int nreplies;
	struct fake_call called[16];
	int ncalled;
	char replied[DROVER_PAYLOAD_MAX + 1]; /* of the operation under test */
	char rendered[2 * DROVER_PAYLOAD_MAX];
	const char *agent_texts[16];     /* what agents answer, one after the other, borrowed */
	int nagent_texts, agents, agent_code;
	char agent_prompt[2 * DROVER_PAYLOAD_MAX], agent_cwd[1024];
	uint32_t agent_flags;
	char woken[DROVER_NAME_MAX];
};

/* A job as the core would keep it. */
struct fake_job {
	struct fake_item item;
	uint64_t id;
	enum { FAKE_ACTIVE, FAKE_ENDED, FAKE_SETTLED } state;
};

struct fake {
	struct drover_scope scope;       /* first */

	/* what services answer */
	struct fake_pair options[16];    /* a list is several with one key */
	int noptions;
	int available;
	int64_t wall, monotonic;
	int closes; /* fd that is closed while the capacity is asked, 0: none */
	int emit_code, change_code, exec_code, lease_code;
	struct drover_change_result change_result;
	struct drover_outcome outcome;

	/* what was asked */
	unsigned calls;                  /* of any service but log, option and time */
	struct fake_item emitted[FAKE_ITEMS]; /* by the poll under way */
	int nemitted;
	char cursor[DROVER_VALUE_MAX];
	bool cursor_set;
	int64_t again;
	struct fake_pair results[FAKE_PAIRS];
	int nresults;
	char watched[1024], log[8192];
	char prompt[2 * DROVER_PAYLOAD_MAX], change_title[DROVER_TITLE_MAX];
	char change_branch[256], change_ref[256], change_repo[DROVER_NAME_MAX];
	uint32_t change_flags;
	char argv[4096], env[1024], cwd[1024], input[1024];
	int64_t timeout_ms;
	char leased[DROVER_NAME_MAX];
	struct fake_outside outside;

	/* what a core keeps of it */
	struct fake_job jobs[FAKE_ITEMS];
	int njobs;
	char kept_cursor[DROVER_VALUE_MAX];

	/* the process ends by SIGKILL at step kill_at; 0: never */
	unsigned step, kill_at;
};

struct fake *fake_new(void);
void fake_free(struct fake *);
/*
 * Loads NAME.so from the build as the loader does; fails the test when it has
 * no descriptor.
 */
const struct drover_plugin *fake_load(const char *name);

void fake_option(struct fake *, const char *key, const char *value);
/*
 * Queues an answer: the first unused one of the method whose path is the begin
 * of what is asked for. The strings are borrowed. Judged as the host would, but
 * never tried again; a 304 to DROVER_HTTP_CACHED gives the last 200 of that
 * path.
 */
void fake_answer(struct fake *, const char *method, const char *path_prefix, int status,
    const char *headers, const char *body);
/* As fake_answer, for as often as it is asked for, when nothing is queued. */
void fake_serve(struct fake *, const char *method, const char *path_prefix, int status,
    const char *headers, const char *body);
/*
 * As fake_answer, for who asks the same with DROVER_HTTP_CACHED again in one
 * poll. Without it such a request gets what it got before, and is not recorded.
 */
void fake_answer_late(struct fake *, const char *method, const char *path_prefix, int status,
    const char *headers, const char *body);
/* The nth request (from 0) of a method whose path begins so; NULL: none. */
const struct fake_request *fake_request(const struct fake *, const char *method,
    const char *path_prefix, int n);
int fake_requests(const struct fake *, const char *method, const char *path_prefix);
/*
 * Secrets, repos, who is trusted (ids and marks), and what other plugins and
 * agents answer.
 */
void fake_secret(struct fake *, const char *key, const char *value);
void fake_repo(struct fake *, const char *name, const char *url, const char *forge);
void fake_trust(struct fake *, const char *id_or_mark);
void fake_reply(struct fake *, const char *operation, int code, const char *reply);
void fake_agent(struct fake *, const char *text);
/* The kept value of a key, or of an effect; NULL: none. */
const char *fake_kv(const struct fake *, const char *key);
const char *fake_effect(const struct fake *, const char *key);

/* The recorded result of that name, or NULL. */
const char *fake_result(const struct fake *, const char *key);
/* Forgets what was asked, keeps what the core keeps. */
void fake_forget(struct fake *);

/*
 * One poll, and the core's transaction when it succeeded: jobs, dedup over
 * active ones, cursor. Returns the class.
 */
int fake_poll(struct fake *, const struct drover_source *, void *source, struct drover_error *);
/* Settles job i as it ended. A state of "succeeded", "dead" or "cancelled". */
int fake_settle(struct fake *, const struct drover_source *, void *source, int i, const char *state,
    const char *result, struct drover_error *);

/*
 * Counts a step of the process under test, and kills it there when that was
 * asked. NULL: none is under test.
 */
void fake_step(struct fake *);

/* fake_outside.c */
extern const struct drover_host_http fake_http;
extern const struct drover_host_trust fake_trust_table;
extern const struct drover_host_memory fake_memory;
extern const struct drover_host_prompt fake_prompt;
extern const struct drover_host_repo fake_repo_table;
extern const struct drover_host_kv fake_kv_table;
extern const struct drover_host_effect fake_effect_table;
extern const struct drover_host_secret fake_secret_table;
extern const struct drover_host_call fake_call_table;
extern const struct drover_host_agent fake_agent_table;

#endif
