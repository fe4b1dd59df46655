/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rates by GCRA, the generic cell rate algorithm: a rate is one number, the
 * time at which its burst would be whole again. A request that has to wait is
 * counted at the time when it will be sent, so that waiting requests queue
 * behind one another.
 *
 * host/http asks with HTTP_ASK before each try, and says with HTTP_TELL how it
 * ended; services.c passes both on to limits_take() and limits_tell(). An
 * account, which is an origin with a credential, has a pause (a vendor said
 * when to come back) and a breaker: after LIMITS_FAILURES failures in a row it
 * opens, and then one request at a time is let through as a probe. Long pauses
 * are saved by services.c and outlive the core.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/retry.h"
#include "base/text.h"
#include "super/limits.h"

#define uthash_fatal(what) panic(__FILE__, __LINE__, what)
#include <uthash.h>

#define LIMITS_MAGIC 0x11a175aau
#define COUNTS_MAX 1000
#define SHOWN_MAX 100
#define BURST_MAX 1000000            /* the product with a day in us still fits into int64_t */
#define CLASSES 10                   /* DROVER_OK to DROVER_INTERNAL */

/*
 * An account, which is an origin with a credential: its pause and its breaker.
 */
struct account {
	char *key;                   /* "origin\ncredential" */
	int64_t paused_until;
	int failures;                /* number of failures in a row */
	int64_t open_until, open_ms; /* open_ms is 0 while the breaker is closed */
	int64_t probe_until;         /* 0 while no probe is on its way */
	char text[160];              /* reason of the last failure or pause */
	UT_hash_handle hh;
};

/* A rate of an account. */
struct rate {
	char *key;                   /* account's key "\nname" */
	int64_t whole_at;            /* us; when the burst will be whole again */
	int64_t each;                /* us that the last request used up */
	int64_t paused_until;        /* ms */
	UT_hash_handle hh;
};

/* How many requests a plugin sent to an origin. */
struct count {
	char *key;                   /* "plugin\norigin" */
	uint64_t classes[CLASSES], kept;
	UT_hash_handle hh;
};

struct limits {
	uint32_t magic;
	struct account *accounts;    /* in the order of their use */
	struct rate *rates;
	struct count *counts;
	uint64_t waited_ms;
	int64_t began;
};

static char *key_of(const char *a, const char *b);
static const char *key_second(const char *key);
static struct account *account_of(struct limits *, const char *origin, const char *credential);
static struct rate *rate_of(struct limits *, const char *account, const char *name);
static struct count *count_of(struct limits *, const char *plugin, const char *origin);
static int64_t rate_wait(const struct rate *, const struct limits_rate *, bool critical,
    int64_t now);
static void rate_take(struct rate *, const struct limits_rate *, int64_t at);
static void rates_give_back(struct limits *, const char *account, const char *names);
static int breaker_ask(struct account *, const char *origin, int64_t now, struct error *);
static int breaker_tell(struct account *, int code, const char *text, int64_t now);

struct limits *
limits_new(int64_t now)
{
	struct limits *l;

	OBJ_NEW(l, LIMITS_MAGIC);
	l->began = now;
	return l;
}

void
limits_free(struct limits *l)
{
	struct account *a, *next_account;
	struct rate *r, *next_rate;
	struct count *c, *next_count;

	if (l == NULL)
		return;
	OBJ_CHECK(l, LIMITS_MAGIC);
	HASH_ITER(hh, l->accounts, a, next_account) {
		HASH_DEL(l->accounts, a);
		free(a->key);
		free(a);
	}
	HASH_ITER(hh, l->rates, r, next_rate) {
		HASH_DEL(l->rates, r);
		free(r->key);
		free(r);
	}
	HASH_ITER(hh, l->counts, c, next_count) {
		HASH_DEL(l->counts, c);
		free(c->key);
		free(c);
	}
	OBJ_FREE(l);
}

static char *
key_of(const char *a, const char *b)
{
	return xasprintf("%s\n%s", a, b);
}

static const char *
key_second(const char *key)
{
	const char *nl = strchr(key, '\n');

	return nl != NULL ? nl + 1 : "";
}

/*
 * Finds or makes the account, and marks it as used last. Past LIMITS_MAX the
 * one that was not used for the longest time is dropped.
 */
static struct account *
account_of(struct limits *l, const char *origin, const char *credential)
{
	char *key = key_of(origin, credential);
	struct account *a, *old;

	HASH_FIND_STR(l->accounts, key, a);
	if (a != NULL) {
		free(key);
		HASH_DEL(l->accounts, a);
	} else {
		a = xcalloc(1, sizeof *a);
		a->key = key;
		if (HASH_COUNT(l->accounts) >= LIMITS_MAX) {
			old = l->accounts;
			HASH_DEL(l->accounts, old);
			free(old->key);
			free(old);
		}
	}
	HASH_ADD_KEYPTR(hh, l->accounts, a->key, strlen(a->key), a);
	return a;
}

static struct rate *
rate_of(struct limits *l, const char *account, const char *name)
{
	char *key = key_of(account, name);
	struct rate *r, *old;

	HASH_FIND_STR(l->rates, key, r);
	if (r != NULL) {
		free(key);
		HASH_DEL(l->rates, r);
	} else {
		r = xcalloc(1, sizeof *r);
		r->key = key;
		if (HASH_COUNT(l->rates) >= LIMITS_MAX) {
			old = l->rates;
			HASH_DEL(l->rates, old);
			free(old->key);
			free(old);
		}
	}
	HASH_ADD_KEYPTR(hh, l->rates, r->key, strlen(r->key), r);
	return r;
}

/*
 * Counters must never go back, so no counter is dropped. Beyond the bound all
 * new ones are counted together.
 */
static struct count *
count_of(struct limits *l, const char *plugin, const char *origin)
{
	char *key = key_of(plugin, origin);
	struct count *c;

	HASH_FIND_STR(l->counts, key, c);
	if (c == NULL && HASH_COUNT(l->counts) >= COUNTS_MAX) {
		free(key);
		key = key_of("", "other");
		HASH_FIND_STR(l->counts, key, c);
	}
	if (c != NULL) {
		free(key);
		return c;
	}
	c = xcalloc(1, sizeof *c);
	c->key = key;
	HASH_ADD_KEYPTR(hh, l->counts, c->key, strlen(c->key), c);
	return c;
}

static int64_t
rate_wait(const struct rate *r, const struct limits_rate *rate, bool critical, int64_t now)
{
	int64_t each = rate->per_ms * 1000 / rate->count, wait;
	int64_t burst = rate->burst < BURST_MAX ? rate->burst : BURST_MAX;

	if (!critical)
		burst -= burst / 5;
	wait = r->whole_at - now * 1000 - (burst - 1) * each;
	wait = wait > 0 ? (wait + 999) / 1000 : 0;
	return r->paused_until - now > wait ? r->paused_until - now : wait;
}

static void
rate_take(struct rate *r, const struct limits_rate *rate, int64_t at)
{
	if (r->whole_at < at * 1000)
		r->whole_at = at * 1000;
	r->each = rate->per_ms * 1000 / rate->count;
	r->whole_at += r->each;
}

/*
 * Vendors that send a 304 do not count it, so its place in the rates is given
 * back.
 */
static void
rates_give_back(struct limits *l, const char *account, const char *names)
{
	char *lines = xstrdup(names), *rest = lines, *name;
	struct rate *r;

	while ((name = strsep(&rest, "\n")) != NULL) {
		char *key = key_of(account, name);

		HASH_FIND_STR(l->rates, key, r);
		if (r != NULL)
			r->whole_at -= r->each;
		free(key);
	}
	free(lines);
}

/*
 * Returns 0 if the breaker is closed, or lets this request through as the
 * probe. Otherwise returns -1 with DROVER_AGAIN.
 */
static int
breaker_ask(struct account *a, const char *origin, int64_t now, struct error *err)
{
	int64_t left;

	if (a->open_ms == 0)
		return 0;
	left = a->open_until - now;
	if (left <= 0 && a->probe_until <= now) {
		a->probe_until = now + LIMITS_PROBE_MS;
		return 0;
	}
	if (left <= 0)
		left = 1000;
	error_set(err, DROVER_AGAIN,
	    "%.200s has failed %d times in a row and is not asked for %lld s: %s", origin,
	    a->failures, (long long)((left + 999) / 1000), a->text);
	if (err != NULL)
		err->retry_after_ms = left;
	return -1;
}

int64_t
limits_take(struct limits *l, const struct limits_ask *ask, int64_t now, struct error *err)
{
	struct account *a = account_of(l, ask->origin, ask->credential);
	struct rate *rates[LIMITS_RATES_MAX];
	int64_t wait = a->paused_until > now ? a->paused_until - now : 0, one;
	const char *why = wait > 0 ? a->text : "";

	for (int i = 0; i < ask->rates_len; i++) {
		rates[i] = rate_of(l, a->key, ask->rates[i].name);
		if (rates[i]->whole_at == 0 && ask->rates[i].burst == 1)
			rates[i]->whole_at =
			    l->began * 1000 + ask->rates[i].per_ms * 1000 / ask->rates[i].count;
		one = rate_wait(rates[i], &ask->rates[i], ask->critical, now);
		if (one > wait) {
			wait = one;
			why = ask->rates[i].name;
		}
	}
	if (wait > ask->patience_ms) {
		error_set(err, DROVER_QUOTA, "%.200s is not asked for %lld s: limit %.100s",
		    ask->origin, (long long)((wait + 999) / 1000), why);
		if (err != NULL)
			err->retry_after_ms = wait;
		return -1;
	}
	/*
	 * The breaker is asked last, since a request that it lets through as
	 * the probe must really be sent.
	 */
	if (breaker_ask(a, ask->origin, now, err) != 0)
		return -1;
	for (int i = 0; i < ask->rates_len; i++)
		rate_take(rates[i], &ask->rates[i], now + wait);
	l->waited_ms += (uint64_t)wait;
	return wait;
}

/*
 * Records an outcome. Any class but AGAIN proves that the origin is up, except
 * those of a request that was broken off.
 */
static int
breaker_tell(struct account *a, int code, const char *text, int64_t now)
{
	bool was_open = a->open_ms != 0;

	if (code == DROVER_CANCELLED || code == DROVER_FENCED) {
		a->probe_until = 0;
		return 0;
	}
	if (code != DROVER_AGAIN) {
		a->failures = 0;
		a->open_ms = a->open_until = a->probe_until = 0;
		return was_open ? LIMITS_CLOSED : 0;
	}
	a->failures++;
	text_copy(a->text, sizeof a->text, text);
	if (a->failures < LIMITS_FAILURES || (a->open_ms != 0 && a->open_until > now))
		return 0;
	a->open_ms = retry_next(a->open_ms, LIMITS_OPEN_MS, LIMITS_OPEN_MAX_MS);
	a->open_until = now + a->open_ms;
	a->probe_until = 0;
	return was_open ? 0 : LIMITS_OPENED;
}

int
limits_tell(struct limits *l, const struct limits_tell *tell, int64_t now)
{
	struct account *a = account_of(l, tell->origin, tell->credential);
	struct count *c = count_of(l, tell->plugin, tell->origin);
	int64_t pause = tell->pause_ms < LIMITS_PAUSE_MAX_MS ? tell->pause_ms : LIMITS_PAUSE_MAX_MS,
		*until;
	int came, class = tell->code <= 0 && tell->code > -CLASSES ? -tell->code : -DROVER_INTERNAL;

	c->classes[class] += tell->requests;
	c->kept += tell->kept;
	if (tell->kept > 0)
		rates_give_back(l, a->key, tell->rates);
	came = breaker_tell(a, tell->code, tell->text, now);
	if (pause <= 0)
		return came;
	if (*tell->limit == '\0') {
		until = &a->paused_until;
		text_copy(a->text, sizeof a->text, tell->text);
	} else {
		until = &rate_of(l, a->key, tell->limit)->paused_until;
	}
	if (*until >= now + pause)
		return came;
	*until = now + pause;
	return pause > LIMITS_KEEP_MS ? came | LIMITS_KEEP : came;
}

static void
limits_save_one(cJSON *list, const char *account, const char *limit, const char *text,
    int64_t until)
{
	cJSON *o = cJSON_CreateObject();
	char *origin = xstrndup(account, strcspn(account, "\n"));

	json_add_str(o, "origin", origin);
	free(origin);
	json_add_str(o, "credential", key_second(account));
	json_add_str(o, "limit", limit);
	json_add_str(o, "text", text);
	json_add_int(o, "until", until);
	cJSON_AddItemToArray(list, o);
}

/* Returns the pauses that last longer than least. */
static cJSON *
pauses_of(const struct limits *l, int64_t now, int64_t wall, int64_t least)
{
	cJSON *list = cJSON_CreateArray();
	const struct account *a;
	const struct rate *r;
	const char *name;
	char *key;

	for (a = l->accounts; a != NULL; a = a->hh.next)
		if (a->paused_until - now > least)
			limits_save_one(list, a->key, "", a->text, wall + a->paused_until - now);
	for (r = l->rates; r != NULL; r = r->hh.next) {
		if (r->paused_until - now <= least)
			continue;
		name = strrchr(r->key, '\n') + 1;
		key = xstrndup(r->key, (size_t)(name - r->key - 1));
		limits_save_one(list, key, name, "", wall + r->paused_until - now);
		free(key);
	}
	return list;
}

char *
limits_save(const struct limits *l, int64_t now, int64_t wall, size_t max)
{
	cJSON *list = pauses_of(l, now, wall, LIMITS_KEEP_MS);
	char *text = json_print(list);

	while (strlen(text) > max) {
		free(text);
		cJSON_DeleteItemFromArray(list, 0);
		text = json_print(list);
	}
	cJSON_Delete(list);
	return text;
}

void
limits_load(struct limits *l, const char *json, int64_t now, int64_t wall)
{
	cJSON *list = json_parse(json, strlen(json), DROVER_VALUE_MAX, NULL);
	const cJSON *one;

	cJSON_ArrayForEach(one, list) {
		struct limits_tell tell = { .origin = json_str(one, "origin", ""),
			.credential = json_str(one, "credential", ""),
			.plugin = "",
			.limit = json_str(one, "limit", ""),
			.text = json_str(one, "text", ""),
			.code = DROVER_QUOTA,
			.pause_ms = json_int(one, "until", 0) - wall };

		if (tell.pause_ms > 0 && *tell.origin != '\0')
			limits_tell(l, &tell, now);
	}
	cJSON_Delete(list);
}

static void
status_counts(const struct limits *l, cJSON *o)
{
	cJSON *requests = cJSON_AddArrayToObject(o, "requests"),
	      *kept = cJSON_AddArrayToObject(o, "not_modified"), *one;
	const struct count *c;
	char *plugin;

	for (c = l->counts; c != NULL; c = c->hh.next) {
		plugin = xstrndup(c->key, strcspn(c->key, "\n"));
		for (int i = 0; i <= CLASSES; i++) {
			if (i < CLASSES ? c->classes[i] == 0 : c->kept == 0)
				continue;
			one = cJSON_CreateObject();
			json_add_str(one, "plugin", plugin);
			json_add_str(one, "origin", key_second(c->key));
			if (i < CLASSES)
				json_add_str(one, "class", error_class_name(-i));
			json_add_int(one, "count",
			    (int64_t)(i < CLASSES ? c->classes[i] : c->kept));
			cJSON_AddItemToArray(i < CLASSES ? requests : kept, one);
		}
		free(plugin);
	}
}

cJSON *
limits_status(const struct limits *l, int64_t now, int64_t wall)
{
	cJSON *o = cJSON_CreateObject(), *breakers, *one;
	const struct account *a;
	char *origin;

	status_counts(l, o);
	json_add_int(o, "waited_ms", (int64_t)l->waited_ms);
	json_add_int(o, "accounts", HASH_COUNT(l->accounts));
	json_add_int(o, "rates", HASH_COUNT(l->rates));
	breakers = cJSON_AddArrayToObject(o, "breakers");
	for (a = l->accounts; a != NULL && cJSON_GetArraySize(breakers) < SHOWN_MAX;
	     a = a->hh.next) {
		if (a->open_ms == 0)
			continue;
		one = cJSON_CreateObject();
		origin = xstrndup(a->key, strcspn(a->key, "\n"));
		json_add_str(one, "origin", origin);
		json_add_str(one, "credential", key_second(a->key));
		json_add_int(one, "failures", a->failures);
		json_add_int(one, "until", wall + a->open_until - now);
		json_add_str(one, "text", a->text);
		cJSON_AddItemToArray(breakers, one);
		free(origin);
	}
	cJSON_AddItemToObject(o, "pauses", pauses_of(l, now, wall, 0));
	return o;
}

void
limits_warnings(const struct limits *l, int64_t now, cJSON *list)
{
	const struct account *a;
	const char *credential;
	char line[512];
	int origin;

	for (a = l->accounts; a != NULL && cJSON_GetArraySize(list) < SHOWN_MAX; a = a->hh.next) {
		origin = (int)strcspn(a->key, "\n");
		credential = key_second(a->key);
		if (a->open_ms != 0) {
			snprintf(line, sizeof line,
			    "%.*s%s%.100s: %d failures in a row, asked again in %lld s: %s", origin,
			    a->key, *credential != '\0' ? " as " : "", credential, a->failures,
			    (long long)(a->open_until > now ? (a->open_until - now + 999) / 1000 :
							      0),
			    a->text);
			cJSON_AddItemToArray(list, cJSON_CreateString(line));
		}
		if (a->paused_until > now) {
			snprintf(line, sizeof line, "%.*s%s%.100s: paused for %lld s: %s", origin,
			    a->key, *credential != '\0' ? " as " : "", credential,
			    (long long)((a->paused_until - now + 999) / 1000), a->text);
			cJSON_AddItemToArray(list, cJSON_CreateString(line));
		}
	}
}
