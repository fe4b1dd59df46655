/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pipeline jira.fix: its steps hand on one struct fix. What must outlive an
 * attempt is in fix->state, which is kept as the job's data.
 */
#ifndef JIRA_FIX_H
#define JIRA_FIX_H

#include "jira/jira.h"

#define FIX_REPOS 16
#define FIX_IMAGES 5
#define FIX_IMAGE_MAX (5 * 1024 * 1024)
#define FIX_SAID_MAX  4000 /* bytes of an agent's text in a comment */

/* Options of the pipelines fix and review. */
#define OPTION_REPOS \
	{ \
		"repos", DROVER_LIST, 0, NULL, \
		    "Repos that tickets may be about, or all; \"repo:NAME\" in a ticket narrows " \
		    "them." \
	}
#define OPTION_RULES \
	{ \
		"rules", DROVER_LIST, 0, NULL, \
		    "Files, or folders of .md and .mdc files, whose text every prompt is given." \
	}

/* Trees of several repos, to be read side by side. */
struct trees {
	uint64_t handles[FIX_REPOS];
	size_t len;
	char cwd[DROVER_PATH_MAX];
};

/* What became of one repo. */
struct fix_work {
	char repo[DROVER_NAME_MAX], forge[DROVER_NAME_MAX], branch[256], commit[128];
	bool changed, checked;
	char *said; /* the agent's last message */
	char subtask[JIRA_ID_MAX], number[64], url[512];
};

struct fix {
	struct drover_scope *scope;
	const struct drover_job *job;
	struct jira jira;
	struct payload p;
	cJSON *issue; /* as it is now */
	/*
	 * {"taken": bool, "moved": bool, "n": number, "asked": number,
	 * "verdict": {...}, "waits": "id of the newest answer"}
	 */
	cJSON *state;
	char newest[JIRA_ID_MAX]; /* the newest comment of a person who may start work, or "" */
	char ended[256];          /* why there is nothing to do; "" as long as there is */
	const char *repos[FIX_REPOS];
	size_t repos_len;
	char scratch[DROVER_PATH_MAX];
	struct text_buf comments, parent, images, rules, memory;
	struct fix_work work[FIX_REPOS];
	size_t work_len;
};

/* ---- pipeline_fix.c ---- */

int fix_state_save(struct fix *, struct drover_error *);
/*
 * Writes the property of the issue: the state and, where it is not NULL, the id
 * of our comment that waits for an answer.
 */
int fix_mark(struct fix *, const char *state, const char *comment, struct drover_error *);
/*
 * Moves the ticket to the status that the option names; "" lets it stay where
 * it is.
 */
int fix_move(struct fix *, const char *option, struct drover_error *);
/*
 * The memory of a ticket goes by its id, which it keeps when it is moved to
 * another project.
 */
void fix_subject(const struct fix *, char subject[DROVER_KEY_MAX]);
/*
 * Comments on the ticket, once for the id, and remembers it. comment gets the
 * comment's id, unless it is NULL.
 */
int fix_say(struct fix *, const char *id, const struct text_buf *, char comment[JIRA_ID_MAX],
    struct drover_error *);

/* ---- fix_take.c ---- */

/*
 * Reads the issue again and moves it to in_progress; sets ended where it is no
 * longer drover's to work on. HUMAN while questions wait for an answer: an
 * attempt that died after asking must not ask again.
 */
int fix_take(struct fix *, struct drover_error *);

/* ---- fix_gather.c ---- */

/* Everything that the prompts tell. */
int fix_gather(struct fix *, struct drover_error *);
/* The text of the operator's files and folders of option `rules`. */
int gather_rules(struct drover_scope *, struct text_buf *, struct drover_error *);
/*
 * The repos that the job is about: its own, or all of option `repos`, narrowed
 * by labels and components "repo:NAME".
 */
int gather_repos(struct drover_scope *, const struct drover_job *, const struct payload *,
    const char **repos, size_t *len, struct drover_error *);
/*
 * Renders a prompt with what each prompt of a ticket is told, and with more.
 * NULL with the reason in err.
 */
const char *gather_prompt(struct drover_scope *, const char *name, const struct payload *,
    const char *comments, const char *rules, const char *const *repos, size_t n,
    const struct drover_variable *more, size_t more_len, struct drover_error *);
/*
 * As gather_prompt, with all that fix_gather found and at most five more
 * values.
 */
const char *fix_prompt(struct fix *, const char *name, const char *const *repos, size_t n,
    const struct drover_variable *more, size_t more_len, struct drover_error *);
/*
 * Comments of trusted people and our own, oldest first. newest, unless it is
 * NULL, gets the id of the newest that is not ours, or "".
 */
int gather_comments(struct jira *, const char *key, const char *project, struct text_buf *,
    char *newest, size_t, struct drover_error *);

/* ---- images.c ---- */

/*
 * Writes attached images of trusted people into the scratch folder, and a line
 * for each into fix->images.
 */
int fix_images(struct fix *, struct drover_error *);
/* "png", "jpg", "gif" or "webp" by the first bytes; NULL for anything else. */
const char *image_kind(const char *data, size_t len);

/* ---- trees.c ---- */

int trees_open(struct trees *, struct drover_scope *, const char *const *repos, size_t n,
    struct drover_error *);
void trees_close(struct trees *, struct drover_scope *);
/* "- name (branch base)" for each. */
void trees_list(struct drover_scope *, const char *const *repos, size_t n, struct text_buf *);

/* ---- fix_triage.c ---- */

/* 0 with a verdict PROCEED in state, or HUMAN when questions were asked. */
int fix_triage(struct fix *, struct drover_error *);
/*
 * The JSON object of an agent's answer that has a member "verdict", the
 * caller's to free; NULL where none can be read.
 */
cJSON *triage_read(const char *text);

/* ---- fix_work.c ---- */

/* The change in each repo that triage named. */
int fix_work(struct fix *, struct drover_error *);
/* Lower-case letters, digits and "-" of a text, at most size - 1. */
void fix_slug(const char *text, char *out, size_t size);

/* ---- fix_settle.c, subtask.c ---- */

/*
 * Pull requests, links, sub-tasks and the comment, once all repos are pushed;
 * or the comment that nothing changed.
 */
int fix_settle(struct fix *, struct drover_error *);
/*
 * A sub-task for one repo, found again or made. work->subtask stays "" where
 * the project has no such type.
 */
int fix_subtask(struct fix *, struct fix_work *work, struct drover_error *);

#endif
