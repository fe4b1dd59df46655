/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people write to drover and drover writes to people: mentions, commands,
 * markers, the agent's reply.
 */
#ifndef COMMON_TALK_H
#define COMMON_TALK_H

#include <stdbool.h>
#include <stddef.h>

#include "common/web.h"

/*
 * These three are given the Markdown of a person as it came, before anything
 * hidden is taken out of it. What GitHub shows as code, as a quote or as HTML
 * does not count as said.
 */
/* Whether there is anything but quotes, code and comments. */
bool talk_says(struct drover_scope *, const char *markdown);
/* Whether "@name" is said, as a word of its own, in any case. */
bool talk_mentions(struct drover_scope *, const char *markdown, const char *name);
/*
 * Takes the first line that is "/drover [--prompt NAME] [TEXT]" and nothing
 * else; the text comes without hidden characters. 1: found, and prompt is ""
 * when no NAME is given; 0: there is no such line. *more counts further ones.
 */
int talk_command(struct drover_scope *, const char *markdown, char *prompt, size_t prompt_size,
    char *text, size_t text_size, int *more);

/*
 * The hidden trailing marker of a posted text, "<!-- drover:KIND:ID trace=TRACE
 * -->": shows after a crash that it was posted. KIND and ID are of
 * [A-Za-z0-9._@/-], others become "_". In what drover posts; wherever else it
 * stands it proves nothing: whoever looks for it looks at drover's own posts
 * only.
 */
void talk_marker_add(struct text_buf *, const char *kind, const char *id, const char *trace);
bool talk_marker_has(const char *text, const char *kind, const char *id);
/*
 * Whether a text ends in a line that is a marker: a drover wrote it, ours or
 * another one. What is quoted does not count.
 */
bool talk_marker_ends(const char *text);
/* Strips every marker of drover and all HTML comments, in place. */
void talk_marker_strip(char *text);

/*
 * The agent's answer between lines REPLY_START and REPLY_END, else the whole
 * text; trimmed, cut at max bytes. The caller frees.
 */
char *talk_reply(const char *agent_text, size_t max);

/*
 * The role of a person in host->memory: "@NAME", cut to fit, so that nobody is
 * taken for drover by his name.
 */
void talk_role(char out[DROVER_NAME_MAX + 1], const char *name);

#endif
