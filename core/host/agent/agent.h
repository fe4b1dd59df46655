/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Agents: running one, reading what it prints, and telling its kinds of failure
 * apart.
 */
#ifndef HOST_AGENT_AGENT_H
#define HOST_AGENT_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/error.h"
#include "host/scope.h"

int agent_run(struct scope *, const struct drover_agent_run *, struct drover_agent_result *,
    struct error *);

/*
 * For a run that is to change nothing: the trees that the scope holds, before
 * it.
 */
struct readonly {
	struct frozen **trees;
	size_t len;
};
int readonly_begin(struct scope *, struct readonly *, struct error *);
/* Undoes what was changed, with a word to the log and the attempt's output. */
int readonly_end(struct scope *, struct readonly *, const char *agent, struct error *);
void readonly_free(struct readonly *);

/* Reads an agent's stdout, a line at a time; bounded whatever comes. */
struct agent_reader {
	const struct agent_reader_kind *kind;
	struct drover_usage usage;
	struct buf text;             /* last message, at most 64 KiB kept */
	struct buf failure;          /* what it said of its own failure, "" when nothing */
	struct buf words;            /* last thing it said that was neither */
	bool claims_success;         /* a claim: what git shows decides */
	void *state;
};

struct agent_reader_kind {
	const char *name;            /* as in agents.NAME.output */
	bool counts;                 /* tells how many tokens it used */
	size_t state_size;
	/*
	 * One of the two: for a line as it came, or for a line that is a JSON
	 * object.
	 */
	void (*line)(struct agent_reader *, const char *line, size_t len);
	void (*event)(struct agent_reader *, const cJSON *event);
};

/* NULL kind name is "plain". -1: no reader of that name. */
int agent_reader_init(struct agent_reader *, const char *name);
void agent_reader_line(struct agent_reader *, const char *line, size_t len);
void agent_reader_free(struct agent_reader *);
/*
 * The last message as UTF-8, cut to size; of plain text its end, else its
 * beginning.
 */
void agent_reader_text(const struct agent_reader *, char *out, size_t size);
/* Names of all readers, NULL-terminated. */
const char *const *agent_reader_names(void);

/*
 * The catalogue of vendors' error texts. now is wall ms, for "try again at 3:40
 * AM" in local time. NULL path: $DROVER_DATADIR/agent-errors.conf, else the
 * installed one.
 */
struct catalogue;
struct catalogue *catalogue_load(const char *path, struct error *);
void catalogue_free(struct catalogue *);
/*
 * 0 when nothing matches; else the class (QUOTA, AUTH, CONFIG, AGAIN), and
 * *until: wall ms of the reset, 0 when the text names none.
 */
int catalogue_match(const struct catalogue *, const char *text, size_t len, int64_t now,
    int64_t *until);
/*
 * As catalogue_match, for text that may just as well be about errors: only
 * where it begins with one.
 */
int catalogue_match_start(const struct catalogue *, const char *text, size_t len, int64_t now,
    int64_t *until);
/*
 * Every example is matched by its own entry, and names a reset after now where
 * the entry promises one. -1 on the first that is not.
 */
int catalogue_verify(const struct catalogue *, int64_t now, struct error *);

#endif
