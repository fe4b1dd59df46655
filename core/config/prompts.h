/* SPDX-License-Identifier: Apache-2.0 */
/* Where prompts lie: folders that the configuration names, and drover's own. */
#ifndef CONFIG_PROMPTS_H
#define CONFIG_PROMPTS_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/error.h"
#include "config/config.h"

#define PROMPT_FILE_MAX (256 * 1024)

/* In the order in which they are asked. */
enum prompt_place {
	PROMPT_OF_SOURCE,
	PROMPT_OF_REPO,
	PROMPT_OF_CONFIG,
	PROMPT_OF_DROVER,
	PROMPT_PLACES
};

/*
 * What a prompt is looked up for; a member that is NULL or "" names no folder.
 */
struct prompt_for {
	const char *plugin;      /* required: whose pipeline it is */
	const char *source;      /* "github.pr-comment" */
	const char *repo;
};

struct prompt_text {
	enum prompt_place place;
	char *path;
	struct buf text;         /* UTF-8, at most PROMPT_FILE_MAX */
};

/* "source", "repo", "configuration", "drover". */
const char *prompts_place_name(enum prompt_place);
/*
 * Finds a prompt: PLUGIN/NAME.md or NAME.md in a configured folder,
 * PLUGIN/NAME.md in drover's own. -1: PERMANENT when no folder has it ("no such
 * prompt NAME: there are a, b"), CONFIG when the first one found cannot be
 * used.
 */
int prompts_find(const struct config *, const struct prompt_for *, const char *name,
    struct prompt_text *, struct error *);
void prompts_free(struct prompt_text *);
/*
 * The names that prompts_find() would find, sorted, NULL-terminated. The caller
 * frees with free_strings().
 */
char **prompts_names(const struct config *, const struct prompt_for *);

/*
 * Reads every file that a prompt can come from, for each source and repo.
 * exports: an array of what each configured plugin declares
 * (loader_describe()). Adds a line for each fault to faults, "FILE:LINE:
 * unknown variable {{x}} (known: a, b)"; returns how many.
 */
int prompts_check(const struct config *, const cJSON *exports, struct buf *faults);

#endif
