/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may start work through a source: the entries of `authors`, and the one
 * rule that the core and plugins apply to them.
 */
#ifndef CONFIG_AUTHORS_H
#define CONFIG_AUTHORS_H

#include <stddef.h>

#include <drover/plugin.h>

#include "config/config.h"

#define AUTHORS_MAX 1000
#define AUTHORS_ANYBODY "*"   /* everyone except bots and drover itself */

/*
 * What is wrong with an entry, as "a pattern" and the like; NULL if it is good.
 */
const char *authors_fault(const char *entry);
/*
 * The list in force for the source "plugin.source": the configured one, else
 * defaults, which is the plugin's own. NULL if defaults is NULL, since such a
 * source has no authors. Borrowed.
 */
const char *const *authors_of(const struct config *, const char *source,
    const char *const *defaults);
/*
 * Returns 1 if this person may start work, else 0, with the reason as a
 * constant text in *why, which may be NULL. authors is NULL if the source has
 * no list; then only bots and drover itself are refused. person is NULL or has
 * no id if it is not known who asks. Ids are compared without case, marks
 * exactly. own (may be NULL) is the plugin's own list, whose words are always
 * marks: a stranger whose login is "member" is not a member.
 */
int authors_allow(const char *const *authors, const char *const *own, const struct drover_person *,
    const char **why);

#endif
