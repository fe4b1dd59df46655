/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which marks a source's `authors` contain, so that a vendor is asked only for
 * those.
 */
#ifndef COMMON_AUTHORS_H
#define COMMON_AUTHORS_H

#include <stdbool.h>

#include <drover/plugin.h>

/*
 * True if the source's `authors` contain this mark or, if it ends in ":" or
 * "@", a mark that begins with it. Marks are compared with case, as the core
 * does. Logins are compared without case and are not meant for this function.
 * source NULL means the source that the scope works for.
 */
bool authors_name(struct drover_scope *, const char *source, const char *mark);

#endif
