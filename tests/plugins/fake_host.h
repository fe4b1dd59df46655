/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host for tests of plugins: the service table of plugin.h, whose calls are recorded and answered as
 * the test says. The record lies in shared memory, so that a forked child can be killed at any step and
 * its parent sees what it had done until then.
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
	char kind[DROVER_NAME_MAX * 2], key[DROVER_KEY_MAX], title[DROVER_TITLE_MAX];
	char repo[DROVER_NAME_MAX], agent[DROVER_NAME_MAX], pool[DROVER_NAME_MAX];
	uint64_t payload_len, payload_hash;
	char payload[1024];              /* the first of it */
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
	int closes;                      /* fd that is closed while the capacity is asked, 0: none */
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
	char argv[4096], env[1024], cwd[1024], input[1024];
	int64_t timeout_ms;
	char leased[DROVER_NAME_MAX];

	/* what a core keeps of it */
	struct fake_job jobs[FAKE_ITEMS];
	int njobs;
	char kept_cursor[DROVER_VALUE_MAX];

	/* the process ends by SIGKILL at step kill_at; 0: never */
	unsigned step, kill_at;
};

struct fake *fake_new(void);
void fake_free(struct fake *);
/* Loads NAME.so from the build as the loader does; fails the test when it has no descriptor. */
const struct drover_plugin *fake_load(const char *name);

void fake_option(struct fake *, const char *key, const char *value);
/* The recorded result of that name, or NULL. */
const char *fake_result(const struct fake *, const char *key);
/* Forgets what was asked, keeps what the core keeps. */
void fake_forget(struct fake *);

/* One poll, and the core's transaction when it succeeded: jobs, dedup over active ones, cursor. Returns the class. */
int fake_poll(struct fake *, const struct drover_source *, void *source, struct drover_error *);
/* Settles job i as it ended. A state of "succeeded", "dead" or "cancelled". */
int fake_settle(struct fake *, const struct drover_source *, void *source, int i, const char *state, const char *result,
    struct drover_error *);

/* Counts a step of the process under test, and kills it there when that was asked. NULL: none is under test. */
void fake_step(struct fake *);

#endif
