/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often the outside may be asked: rates, pauses and breakers of each origin
 * and credential, in memory. It reads no clock: callers pass monotonic time in
 * ms.
 */
#ifndef SUPER_LIMITS_H
#define SUPER_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/error.h"

/*
 * Rates, and accounts, that are remembered; past it the least recently used go.
 */
#define LIMITS_MAX 10000
#define LIMITS_RATES_MAX 4           /* of one request */
#define LIMITS_FAILURES 5            /* in a row: the breaker opens */
#define LIMITS_OPEN_MS 30000ll       /* doubling, to LIMITS_OPEN_MAX_MS */
#define LIMITS_OPEN_MAX_MS 300000ll
#define LIMITS_PROBE_MS 60000ll      /* a probe whose end was not told is forgotten after this */
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
	const char *limit;           /* that is paused; "" means the whole credential */
	int64_t pause_ms;
	uint64_t requests, kept;
	const char *rates; /* names of the rates that the request was counted in, one a line */
	const char *text;
};

/*
 * now: rates with spacing begin as if an earlier core had just sent a request.
 */
struct limits *limits_new(int64_t now);
void limits_free(struct limits *);
/*
 * Returns the ms until the request may be sent, and counts it. -1, with nothing
 * counted: AGAIN while the breaker is open, QUOTA when it would have to wait
 * for longer than its patience. Both set retry_after_ms.
 */
int64_t limits_take(struct limits *, const struct limits_ask *, int64_t now, struct error *);

#define LIMITS_KEEP 0x1              /* a pause began that should outlive the core: save it */
#define LIMITS_OPENED 0x2            /* the breaker opened */
#define LIMITS_CLOSED 0x4

/* Takes how a request ended. Returns LIMITS_ flags for what changed. */
int limits_tell(struct limits *, const struct limits_tell *, int64_t now);
/*
 * The pauses that outlive the core, with wall times, at most max bytes of JSON;
 * the caller frees.
 */
char *limits_save(const struct limits *, int64_t now, int64_t wall, size_t max);
/* Restores saved pauses; those that are over or cannot be read are skipped. */
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
