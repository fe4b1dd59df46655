/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may start work through a source: entries of `authors`, and the one
 * question asked of them, by the core and by plugins alike.
 */
#ifndef CONFIG_AUTHORS_H
#define CONFIG_AUTHORS_H

#include <stddef.h>

#include <drover/plugin.h>

#include "config/config.h"

#define AUTHORS_MAX 1000
#define AUTHORS_ANYBODY "*"   /* everybody but bots and drover itself */

/* What is wrong with an entry, for people; NULL: nothing. */
const char *authors_fault(const char *entry);
/*
 * The list in force for "plugin.source": what is configured, else the plugin's
 * own. NULL where defaults is NULL: that source has no authors. Borrowed.
 */
const char *const *authors_of(const struct config *, const char *source,
    const char *const *defaults);
/*
 * 1: this person may; 0: not, and *why (may be NULL) is a constant sentence
 * that says it. authors NULL: the source has none, and only bots and drover
 * itself are refused. person NULL, or one without an id: nobody has said who
 * asks. Ids are compared in any case, marks exactly. own (may be NULL) is the
 * plugin's own list: its words are marks, so a stranger whose login is "member"
 * is no member.
 */
int authors_allow(const char *const *authors, const char *const *own, const struct drover_person *,
    const char **why);

#endif
