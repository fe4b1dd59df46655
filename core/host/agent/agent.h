/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Agents: running one, reading what it prints, keeping a read-only run
 * read-only, and telling kinds of failure apart.
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

/*
 * drover_host_agent.run on internal types. result is filled in even after a
 * failure, as far as the run came. 0, or -1 with the class of the verdict (see
 * verdict.h), or with that of exec_run() when the agent could not be run.
 */
int agent_run(struct scope *, const struct drover_agent_run *, struct drover_agent_result *,
    struct error *);

/*
 * A run that must not change anything: the state of each tree that the scope
 * holds, as it was before the run. readonly_end() puts back what the agent
 * changed, and says so in the log and in the attempt's output. 0, or -1 when a
 * tree cannot be recorded or put back; readonly_free() is due either way.
 */
struct readonly {
	struct frozen **trees;
	size_t len;
};
int readonly_begin(struct scope *, struct readonly *, struct error *);
int readonly_end(struct scope *, struct readonly *, const char *agent, struct error *);
void readonly_free(struct readonly *);

/*
 * Reads an agent's stdout line by line. What it keeps is bounded, whatever the
 * agent prints.
 */
struct agent_reader {
	const struct agent_reader_kind *kind;
	struct drover_usage usage;
	struct buf text;             /* last message of the agent, at most 64 KiB */
	/* what the agent said about its own failure; empty if nothing */
	struct buf failure;
	struct buf words;            /* last line that was neither of these */
	bool claims_success;         /* only a claim: the commit decides */
	void *state;
};

struct agent_reader_kind {
	const char *name;            /* as in agents.NAME.output */
	bool counts;                 /* the CLI says how many tokens it used */
	size_t state_size;
	/*
	 * Either line or event is set. line takes a line as it came; event
	 * takes a line that is a JSON object.
	 */
	void (*line)(struct agent_reader *, const char *line, size_t len);
	void (*event)(struct agent_reader *, const cJSON *event);
};

/*
 * Starts a reader; name is that of agents.NAME.output, NULL means "plain". -1
 * when there is no such reader.
 */
int agent_reader_init(struct agent_reader *, const char *name);
void agent_reader_line(struct agent_reader *, const char *line, size_t len);
void agent_reader_free(struct agent_reader *);
/*
 * Copies the last message as UTF-8, at most size bytes with the NUL. Of plain
 * text the end is kept, of other messages the beginning.
 */
void agent_reader_text(const struct agent_reader *, char *out, size_t size);
/* The names of all readers, NULL-terminated. */
const char *const *agent_reader_names(void);

/*
 * The catalogue of vendors' error texts. A NULL path is
 * $DROVER_DATADIR/agent-errors.conf, else the installed file. In what follows,
 * now is wall ms; it is needed for texts such as "try again at 3:40 AM", which
 * are in local time.
 */
struct catalogue;
struct catalogue *catalogue_load(const char *path, struct error *);
void catalogue_free(struct catalogue *);
/*
 * Returns 0 when nothing matches, else the class of the error: QUOTA, AUTH,
 * CONFIG or AGAIN. *until is the wall ms of the reset, 0 when the text names
 * none.
 */
int catalogue_match(const struct catalogue *, const char *text, size_t len, int64_t now,
    int64_t *until);
/*
 * As catalogue_match, but an error counts only where the text begins with it:
 * for text that may talk about errors.
 */
int catalogue_match_start(const struct catalogue *, const char *text, size_t len, int64_t now,
    int64_t *until);
/*
 * Checks that each example is matched by its own entry, and that it names a
 * reset after now where the entry promises one. -1 with the first that does
 * not.
 */
int catalogue_verify(const struct catalogue *, int64_t now, struct error *);

#endif
