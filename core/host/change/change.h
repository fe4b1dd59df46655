/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of a code change share: the steps, the point from which a
 * retry goes on, the guard, and the texts. change.c walks over the steps;
 * doc/changes.md describes them for people.
 */
#ifndef HOST_CHANGE_CHANGE_H
#define HOST_CHANGE_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "host/service.h"

#define CHANGE_PROMPT_MAX (1024 * 1024)
/* bytes of a failed check's output that the follow-up's prompt contains */
#define CHANGE_OUTPUT_MAX 8192
#define CHANGE_TEXT_MAX 8192    /* bytes of the agent's last message that the point keeps */
#define CHANGE_TRAILERS_MAX 4096
#define CHANGE_CHECK_FILES_MAX 1024
#define CHANGE_LEFT_MAX 1024    /* bytes about what is not in the commit */

/*
 * The steps in their order. STEP_NONE comes before all of them: no step is
 * finished.
 */
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
	CHANGE_NEXT,            /* go on with the next step */
	CHANGE_GUARD,           /* there is a new commit: go back to the guard */
	CHANGE_END,             /* nothing has changed: the change is over */
};

/*
 * What a retry must know. It is written to the job's key-value data after a
 * kept step, and read by the next attempt.
 */
struct change_point {
	enum change_step step;  /* the last kept step that is finished */
	/*
	 * commit of the change, kept in the mirror; "" before the agent's step,
	 * and when nothing changed
	 */
	char commit[65];
	char base[65];          /* the commit that the change is based on */
	int checked;
	int followups;
	uint32_t followup_attempt; /* attempt that ran the last follow-up; 0 if there was none */
	struct drover_usage usage;
	struct drover_diff diff;
	/* files of the checks that the commit changes; "" if there are none */
	char check_files[CHANGE_CHECK_FILES_MAX];
	char text[CHANGE_TEXT_MAX];
	char left[CHANGE_LEFT_MAX];
};

struct change {
	struct scope *scope;
	const struct config_repo *repo;
	const char *ref, *agent, *prompt; /* as the plugin gave them; borrowed */
	int64_t agent_timeout_ms, followup_timeout_ms;
	char branch[256];
	bool onto;              /* the change goes on top of branch, to which others push as well */
	char key[64];           /* key of the point in the job's key-value data */
	char *message;          /* message of the commit */
	struct tree *tree;      /* NULL unless leased */
	/*
	 * paths that setup and checks left in the tree, in the form of
	 * tree_restore(); they are not part of the change
	 */
	struct buf leavings;
	/* the check that failed, as one line; empty when no check has failed */
	struct buf failed;
	struct buf output;      /* the end of that check's output */
	struct change_point point;
};

/*
 * One function for each step; change_steps.c says when they are called and what
 * holds between them. CHANGE_FAILED comes with an error.
 */
enum change_next change_lease(struct change *, struct error *);
enum change_next change_setup(struct change *, struct error *);
enum change_next change_agent(struct change *, struct error *);
enum change_next change_guard(struct change *, struct error *);
enum change_next change_check(struct change *, struct error *);
enum change_next change_followup(struct change *, struct error *);
enum change_next change_commit(struct change *, struct error *);
enum change_next change_push(struct change *, struct error *);

/*
 * change_point.c. change_point_load() returns 1 when an earlier attempt left a
 * point, 0 when there is none or it cannot be used, and -1 on error; point is
 * valid after 0 and 1. change_point_save() returns 0, or -1 (FENCED in a stale
 * attempt).
 */
int change_point_load(struct change *, struct error *);
int change_point_save(struct change *, struct error *);
/* "lease", "setup" and so on; "none" for STEP_NONE. */
const char *change_step_name(enum change_step);

/*
 * change_guard.c. Whether path matches a pattern: ** stands for any number of
 * folders, a pattern without a slash matches the last part of a path, and a
 * pattern that matches a folder matches all that is in it.
 */
bool change_glob(const char *pattern, const char *path);
/* For change_contents.c: notes what is wrong with a part of the change. */
struct guard;
void guard_add(struct guard *, const char *where, const char *fault);

/*
 * change_contents.c. Looks for secrets and for other urls of submodules in what
 * the commit changes. 0, or -1 when it cannot be read.
 */
int change_contents(struct change *, struct guard *, struct error *);

/*
 * change_checks.c. Whether the repo's checks are made of this file. False when
 * the repo has no checks.
 */
bool change_checks_use(const struct config_repo *, const char *path);

/*
 * change_deleted.c. The files that a change deletes and adds, as the guard sees
 * them one by one. change_deleted_check() returns -1 and HUMAN when it deletes
 * more than the repo allows.
 */
struct change_deleted {
	size_t deleted, added;
};
void change_deleted_count(struct change_deleted *, const struct tree_file *);
int change_deleted_check(const struct change *, const struct change_deleted *, struct error *);

/*
 * change_left.c. Whether a text names a path: the path or the end of it from a
 * folder on, or only its last part.
 */
enum change_named { NAMED_NOT, NAMED_LAST, NAMED_PATH };
enum change_named change_names(const char *text, const char *path);
/*
 * Appends to left the ignored files that the agent has made. -1 and HUMAN when
 * the task names one.
 */
int change_find_ignored(struct change *, struct buf *left, struct error *);
/* Notes for the result what is not in the commit; left may be empty. */
void change_leave_out(struct change *, const struct buf *left);

/*
 * change_prompt.c. Appends the subject of a commit: one line of at most 72
 * bytes, cut between characters, never empty.
 */
void change_subject(struct buf *out, const char *title);
/*
 * Appends the whole message: subject, title, the trailer Drover-Job and the
 * plugin's trailers, which are checked. 0, or -1 and PERMANENT.
 */
int change_message(struct buf *out, const char *title, const char *trace, const char *trailers,
    struct error *);
/*
 * Appends the prompt of a follow-up: the task again, the command that failed,
 * and its output as data between two lines that the output's author cannot
 * guess.
 */
void change_followup_prompt(struct buf *out, const char *prompt, const char *failed,
    const char *output, size_t len);

#endif
