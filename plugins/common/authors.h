/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the `authors` of a source name, so that a vendor is asked for no more.
 */
#ifndef COMMON_AUTHORS_H
#define COMMON_AUTHORS_H

#include <stdbool.h>

#include <drover/plugin.h>

/*
 * Whether the source's `authors` name this mark or, where it ends in ":" or
 * "@", one that begins with it. Marks are compared to the letter, as the core
 * does; logins are not, and are not for this function. source NULL: the one
 * that the scope works for.
 */
bool authors_name(struct drover_scope *, const char *source, const char *mark);

#endif
