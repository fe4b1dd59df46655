/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people write to drover, and what drover writes to people: mentions,
 * commands, markers, and the agent's reply.
 */
#ifndef COMMON_TALK_H
#define COMMON_TALK_H

#include <stdbool.h>
#include <stddef.h>

#include "common/web.h"

/*
 * These three get a person's Markdown as it came, with everything that is
 * hidden in it. What GitHub shows as code, as a quote or as HTML does not count
 * as said.
 */
/* True if the text contains more than quotes, code and comments. */
bool talk_says(struct drover_scope *, const char *markdown);
/* True if "@name" is said as a word of its own, in any case. */
bool talk_mentions(struct drover_scope *, const char *markdown, const char *name);
/*
 * Finds the first line of the form "/drover [--prompt NAME] [TEXT]". Returns 1
 * with NAME ("" if not given) and TEXT without hidden characters, or 0 if there
 * is no such line. *more is the number of further ones.
 */
int talk_command(struct drover_scope *, const char *markdown, char *prompt, size_t prompt_size,
    char *text, size_t text_size, int *more);

/*
 * Adds the marker "<!-- drover:KIND:ID trace=TRACE -->" to a text that drover
 * posts. It is hidden on the page, and shows after a crash that the text was
 * posted. Characters in KIND and ID outside [A-Za-z0-9._@/-] become "_". A
 * marker proves something only in a post of drover's own account, so look for
 * it only there.
 */
void talk_marker_add(struct text_buf *, const char *kind, const char *id, const char *trace);
bool talk_marker_has(const char *text, const char *kind, const char *id);
/*
 * True if the text ends with a line that is a marker, so that this or another
 * drover wrote it. A quoted line does not count.
 */
bool talk_marker_ends(const char *text);
/* Removes every marker of drover's and all HTML comments, in place. */
void talk_marker_strip(char *text);

/*
 * The agent's answer: the text between the lines REPLY_START and REPLY_END, or
 * else the whole text; trimmed, and cut at max bytes. The caller frees it.
 */
char *talk_reply(const char *agent_text, size_t max);

/*
 * Adds a sentence about the checks behind a blank: that they pass, and which of
 * their own files the commit has changed, in a code span. Adds nothing when the
 * repository has no checks.
 */
void talk_checks(struct text_buf *, const struct drover_change_result *);

/*
 * The role of a person in host->memory: "@NAME", cut to fit. The "@" keeps a
 * person from being taken for drover because of their name.
 */
void talk_role(char out[DROVER_NAME_MAX + 1], const char *name);

#endif
