/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often the outside is asked: rates, pauses and breakers of every (origin,
 * credential), in memory. Pure: the time is handed in, in ms of the monotonic
 * clock. host->http asks before each try and tells how it ended.
 */
#ifndef SUPER_LIMITS_H
#define SUPER_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/error.h"

#define LIMITS_MAX 10000 /* rates, and accounts, that are remembered: the longest unused go first \
			  */
#define LIMITS_RATES_MAX 4           /* of one request */
#define LIMITS_FAILURES 5            /* in a row: the breaker opens */
#define LIMITS_OPEN_MS 30000ll       /* doubling, to LIMITS_OPEN_MAX_MS */
#define LIMITS_OPEN_MAX_MS 300000ll
#define LIMITS_PROBE_MS 60000ll      /* a probe that nobody told the end of is forgotten */
#define LIMITS_PAUSE_MAX_MS 86400000ll
#define LIMITS_KEEP_MS 60000ll       /* pauses longer than this outlive the core */

struct limits;

struct limits_rate {
	char name[65];
	uint32_t count, burst;       /* 1 or more */
	int64_t per_ms;              /* 1 or more */
};

struct limits_ask {
	const char *plugin, *origin, *credential;
	struct limits_rate rates[LIMITS_RATES_MAX];
	int rates_len;
	bool critical;               /* may use the fifth of a burst that the others leave */
	int64_t patience_ms;
};

struct limits_tell {
	const char *plugin, *origin, *credential;
	int code;                    /* enum drover_class */
	const char *limit;           /* that pause_ms is of; "": all of the credential */
	int64_t pause_ms;
	uint64_t requests, kept;
	const char *rates; /* names of those that the request was counted in, one a line: a kept
			      answer (304) gives its place back */
	const char *text;
};

/*
 * Began now: what must keep a distance keeps it from what an earlier core may
 * have sent just before.
 */
struct limits *limits_new(int64_t now);
void limits_free(struct limits *);
/*
 * ms until the request may go out, which is counted from now on. -1 and nothing
 * counted: AGAIN while the breaker is open, QUOTA when it would have to wait
 * for longer than its patience; both say when in retry_after_ms.
 */
int64_t limits_take(struct limits *, const struct limits_ask *, int64_t now, struct error *);

#define LIMITS_KEEP 0x1              /* a pause that outlives the core began */
#define LIMITS_OPENED 0x2            /* the breaker did */
#define LIMITS_CLOSED 0x4

/* Returns what came of it. */
int limits_tell(struct limits *, const struct limits_tell *, int64_t now);
/*
 * The pauses that outlive the core, with wall times, at most max bytes of JSON;
 * the caller frees.
 */
char *limits_save(const struct limits *, int64_t now, int64_t wall, size_t max);
/* Takes them up again; what is over, or makes no sense, is left out. */
void limits_load(struct limits *, const char *json, int64_t now, int64_t wall);
/*
 * {requests: [{plugin, origin, class, count}], not_modified: [...], waited_ms,
 * accounts, rates, breakers: [...], pauses: [...]}
 */
cJSON *limits_status(const struct limits *, int64_t now, int64_t wall);
/*
 * A line for each open breaker and each paused credential, into a list of
 * strings.
 */
void limits_warnings(const struct limits *, int64_t now, cJSON *list);

#endif
