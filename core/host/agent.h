/* SPDX-License-Identifier: Apache-2.0 */
/* Agents: running one, reading what it prints, and telling its kinds of failure apart. */
#ifndef HOST_AGENT_H
#define HOST_AGENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "host/scope.h"

int agent_run(struct scope *, const struct drover_agent_run *, struct drover_agent_result *, struct error *);

/* Reads an agent's stdout, a line at a time; bounded whatever comes. */
struct agent_reader {
	const struct agent_reader_kind *kind;
	struct drover_usage usage;
	struct buf text;             /* last message, at most 64 KiB kept */
	struct buf failure;          /* what it said of its own failure, "" when nothing */
	bool claims_success;         /* a claim: what git shows decides */
	void *state;
};

struct agent_reader_kind {
	const char *name;            /* as in agents.NAME.output */
	void (*line)(struct agent_reader *, const char *line, size_t len);
};

/* NULL kind name is "plain". -1: no reader of that name. */
int agent_reader_init(struct agent_reader *, const char *name);
void agent_reader_line(struct agent_reader *, const char *line, size_t len);
void agent_reader_free(struct agent_reader *);
/* Names of all readers, NULL-terminated. */
const char *const *agent_reader_names(void);

/* The catalogue of vendors' error texts (data/agent-errors.conf). now is wall ms, for "try again at 3:40 AM" in local time. */
struct catalogue;
struct catalogue *catalogue_load(const char *path, struct error *);
void catalogue_free(struct catalogue *);
/* 0 when nothing matches; else the class (QUOTA, AUTH, AGAIN), and *until: wall ms of the reset, 0 when the text names none. */
int catalogue_match(const struct catalogue *, const char *text, size_t len, int64_t now, int64_t *until);

#endif
