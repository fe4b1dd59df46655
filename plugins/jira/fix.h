/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pipeline jira.fix. Its steps hand on one struct fix. What must outlive an
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

/* The leased trees of several repos, which an agent reads side by side. */
struct trees {
	uint64_t handles[FIX_REPOS];
	size_t len;
	char cwd[DROVER_PATH_MAX];
};

/* The change in one repo, and what became of it. */
struct fix_work {
	char repo[DROVER_NAME_MAX], forge[DROVER_NAME_MAX], branch[256], commit[128];
	bool changed;
	char *said; /* the agent's last message */
	char *checks; /* what there is to say about the checks; "" if there are none */
	char subtask[JIRA_ID_MAX], number[64], url[512];
};

struct fix {
	struct drover_scope *scope;
	const struct drover_job *job;
	struct jira jira;
	struct payload p;
	cJSON *issue; /* the issue as it is now */
	/*
	 * what the next attempt must know: {"taken": bool, "moved": bool, "n":
	 * number, "asked": number, "verdict": {...}, "waits": "id of the newest
	 * answer"}
	 */
	cJSON *state;
	/* id of the newest comment of a person who may start work, or "" */
	char newest[JIRA_ID_MAX];
	char ended[256];          /* why there is nothing to do; "" if there is work */
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
 * Writes the property of the issue: the state and, unless it is NULL, the id of
 * drover's comment that waits for an answer.
 */
int fix_mark(struct fix *, const char *state, const char *comment, struct drover_error *);
/*
 * Moves the ticket to the status that the option names. If that is "", the
 * ticket stays where it is.
 */
int fix_move(struct fix *, const char *option, struct drover_error *);
/*
 * Writes the subject of the ticket's memory. It is made of the ticket's id,
 * which stays the same if the ticket is moved to another project.
 */
void fix_subject(const struct fix *, char subject[DROVER_KEY_MAX]);
/*
 * Comments on the ticket, once for the id, and remembers the text. comment (may
 * be NULL) gets the comment's id.
 */
int fix_say(struct fix *, const char *id, const struct text_buf *, char comment[JIRA_ID_MAX],
    struct drover_error *);

/* ---- fix_take.c ---- */

/*
 * Reads the issue again and moves it to in_progress, or sets ended if the issue
 * is no longer drover's to work on. Returns HUMAN while questions wait for an
 * answer: an attempt that died after asking must not ask again.
 */
int fix_take(struct fix *, struct drover_error *);

/* ---- fix_gather.c ---- */

/* Gathers all that the prompts tell. */
int fix_gather(struct fix *, struct drover_error *);
/* Appends the text of the files and folders of the option `rules`. */
int gather_rules(struct drover_scope *, struct text_buf *, struct drover_error *);
/*
 * Finds the repos that the job is about: its own, or all of the option `repos`,
 * narrowed by labels and components "repo:NAME".
 */
int gather_repos(struct drover_scope *, const struct drover_job *, const struct payload *,
    const char **repos, size_t *len, struct drover_error *);
/*
 * Renders a prompt with the variables that each prompt of a ticket has, and
 * with those in more. Returns NULL on error.
 */
const char *gather_prompt(struct drover_scope *, const char *name, const struct payload *,
    const char *comments, const char *rules, const char *const *repos, size_t n,
    const struct drover_variable *more, size_t more_len, struct drover_error *);
/*
 * Like gather_prompt(), with all that fix_gather() found and at most five more
 * variables.
 */
const char *fix_prompt(struct fix *, const char *name, const char *const *repos, size_t n,
    const struct drover_variable *more, size_t more_len, struct drover_error *);
/*
 * Appends the comments of trusted people and of drover, oldest first. newest
 * (may be NULL) gets the id of the newest that is not drover's, or "".
 */
int gather_comments(struct jira *, const char *key, const char *project, struct text_buf *,
    char *newest, size_t, struct drover_error *);

/* ---- images.c ---- */

/*
 * Writes attached images of trusted people into the scratch folder, and a line
 * for each into fix->images.
 */
int fix_images(struct fix *, struct drover_error *);
/*
 * Returns "png", "jpg", "gif" or "webp" by the first bytes, or NULL for
 * anything else.
 */
const char *image_kind(const char *data, size_t len);

/* ---- trees.c ---- */

int trees_open(struct trees *, struct drover_scope *, const char *const *repos, size_t n,
    struct drover_error *);
void trees_close(struct trees *, struct drover_scope *);
/* Appends "- name (branch base)" for each repo. */
void trees_list(struct drover_scope *, const char *const *repos, size_t n, struct text_buf *);

/* ---- fix_triage.c ---- */

/*
 * Returns 0 with the verdict PROCEED in state, HUMAN if questions were asked,
 * or another class.
 */
int fix_triage(struct fix *, struct drover_error *);
/*
 * Returns the JSON object with a member "verdict" in an agent's answer, which
 * the caller frees, or NULL if there is no such object.
 */
cJSON *triage_read(const char *text);

/* ---- fix_work.c ---- */

/* Makes the change in each repo that triage named. */
int fix_work(struct fix *, struct drover_error *);
/*
 * Writes a name for branches: the lower-case letters, digits and "-" of a text,
 * at most size - 1.
 */
void fix_slug(const char *text, char *out, size_t size);

/* ---- fix_settle.c, subtask.c ---- */

/*
 * Once all repos are pushed, makes sub-tasks, pull requests, links and the
 * comment; or the comment that nothing changed.
 */
int fix_settle(struct fix *, struct drover_error *);
/*
 * Finds or makes the sub-task for one repo. work->subtask stays "" if the
 * project has no such type of issue.
 */
int fix_subtask(struct fix *, struct fix_work *work, struct drover_error *);

#endif
