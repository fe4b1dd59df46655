/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Last words of a process whose plugin crashes: which signal, in which
 * callback.
 */
#ifndef RUN_CRASH_H
#define RUN_CRASH_H

#include <stddef.h>

/*
 * Handles the fatal signals of this process and its forks. plugin is borrowed
 * for ever.
 */
void crash_install(const char *plugin);
/*
 * The callback that runs from now on: ("poll", "source", "ticket"). All
 * borrowed; NULL what: none. Nothing where no handler is installed.
 */
void crash_at(const char *callback, const char *what, const char *name);
/* Memory, perhaps shared, that gets the words as well; NULL: none. */
void crash_share(char *out, size_t size);

#endif
