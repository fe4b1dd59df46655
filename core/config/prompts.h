/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds prompts, in the folders that the configuration names and in drover's
 * own.
 */
#ifndef CONFIG_PROMPTS_H
#define CONFIG_PROMPTS_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/error.h"
#include "config/config.h"

#define PROMPT_FILE_MAX (256 * 1024)

/* The places where prompts lie, in the order in which they are searched. */
enum prompt_place {
	PROMPT_OF_SOURCE,
	PROMPT_OF_REPO,
	PROMPT_OF_CONFIG,
	PROMPT_OF_DROVER,
	PROMPT_PLACES
};

/*
 * What a prompt is looked up for. A member that is NULL or "" names no folder.
 */
struct prompt_for {
	const char *plugin;      /* the plugin of the pipeline; required */
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
 * Finds a prompt: PLUGIN/NAME.md or NAME.md in a configured folder, or
 * PLUGIN/NAME.md in drover's own. Returns -1 with PERMANENT if no folder has it
 * ("no such prompt NAME: there are a, b"), or with CONFIG if the first file
 * that was found cannot be used.
 */
int prompts_find(const struct config *, const struct prompt_for *, const char *name,
    struct prompt_text *, struct error *);
void prompts_free(struct prompt_text *);
/*
 * Returns the names that prompts_find() would find, sorted and NULL-terminated.
 * The caller frees them with free_strings().
 */
char **prompts_names(const struct config *, const struct prompt_for *);

/*
 * Reads every file that a prompt can come from, for each source and repo.
 * exports is an array of what each configured plugin declares
 * (loader_describe()). Appends a line for each fault to faults, such as
 * "FILE:LINE: unknown variable {{x}} (known: a, b)", and returns how many there
 * are.
 */
int prompts_check(const struct config *, const cJSON *exports, struct buf *faults);

#endif
