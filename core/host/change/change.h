/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a code change, for each other: the steps, what a retry must
 * know, the commits, the guard and the prompts.
 */
#ifndef HOST_CHANGE_CHANGE_H
#define HOST_CHANGE_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "host/service.h"

#define CHANGE_PROMPT_MAX (1024 * 1024)
#define CHANGE_OUTPUT_MAX 8192  /* bytes of a failed check that the follow-up is shown */
#define CHANGE_TEXT_MAX 8192    /* bytes of the agent's last message that outlive a crash */
#define CHANGE_TRAILERS_MAX 4096

/* In this order; STEP_NONE is before all of them. */
enum change_step {
	STEP_NONE = -1,
	STEP_LEASE,
	STEP_SETUP,
	STEP_AGENT,
	STEP_GUARD,
	STEP_CHECK,
	STEP_FOLLOWUP,
	STEP_COMMIT,
	STEP_PUSH,
	STEPS,
};

enum change_next {
	CHANGE_FAILED = -1,
	CHANGE_NEXT,            /* the step after this one */
	CHANGE_GUARD,           /* there is new work: look at it again */
	CHANGE_END,             /* nothing is left to do */
};

/*
 * What outlives the process: written after each step that is worth it, read by
 * the next attempt.
 */
struct change_point {
	enum change_step step;  /* last one that is finished */
	char commit[65]; /* kept in the mirror; "" before the agent's step and when nothing changed
			  */
	char base[65];          /* what it is a change of */
	int checked;
	int followups;
	uint32_t followup_attempt; /* attempt that had the last one, 0: none */
	struct drover_usage usage;
	struct drover_diff diff;
	char text[CHANGE_TEXT_MAX];
};

struct change {
	struct scope *scope;
	const struct config_repo *repo;
	const char *ref, *agent, *prompt; /* as given */
	int64_t agent_timeout_ms, followup_timeout_ms;
	char branch[256];
	bool onto;              /* on top of branch, which others use */
	char key[64];           /* of the point in the job's key-value data */
	char *message;          /* of the commit */
	struct tree *tree;      /* while leased */
	struct buf leavings;    /* paths that setup and checks left in the tree, as tree_restore has
				   them: no part of the change */
	struct buf failed;      /* the check that failed, as one line; empty: none did */
	struct buf output;      /* the end of what it printed */
	struct change_point point;
};

/* One step each; see the table in change.c. */
enum change_next change_lease(struct change *, struct error *);
enum change_next change_setup(struct change *, struct error *);
enum change_next change_agent(struct change *, struct error *);
enum change_next change_guard(struct change *, struct error *);
enum change_next change_check(struct change *, struct error *);
enum change_next change_followup(struct change *, struct error *);
enum change_next change_commit(struct change *, struct error *);
enum change_next change_push(struct change *, struct error *);

/* change_point.c. load: 1 found, 0 none (or not readable), -1. */
int change_point_load(struct change *, struct error *);
int change_point_save(struct change *, struct error *);
const char *change_step_name(enum change_step);

/*
 * change_guard.c. ** matches any number of folders, a pattern without a slash
 * any last part; a match of a folder is a match of all in it.
 */
bool change_glob(const char *pattern, const char *path);
/*
 * True when a symbolic link at path that says target leads out of the tree or
 * into .git.
 */
bool change_link_escapes(const char *path, const char *target);

/* change_prompt.c: text. */
/*
 * The subject: one line of at most 72 bytes, cut on a character; never empty.
 */
void change_subject(struct buf *out, const char *title);
int change_message(struct buf *out, const char *title, const char *trace, const char *trailers,
    struct error *);
/*
 * The task again, the command, and its output as data between two lines that it
 * cannot guess.
 */
void change_followup_prompt(struct buf *out, const char *prompt, const char *failed,
    const char *output, size_t len);

#endif
