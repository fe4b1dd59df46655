/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process says when its plugin crashes: which signal came, and in which
 * callback. The runner installs the handler; runner, job and operation set the
 * callback before they call the plugin and clear it afterwards.
 */
#ifndef RUN_CRASH_H
#define RUN_CRASH_H

#include <stddef.h>

/*
 * Handles the fatal signals of this process and of its forks. plugin is
 * borrowed for the life of the process.
 */
void crash_install(const char *plugin);
/*
 * Names the callback that runs from now on, such as ("poll", "source",
 * "ticket"); what is NULL when no callback runs. The strings are borrowed until
 * the next call. Without crash_install() this has no effect.
 */
void crash_at(const char *callback, const char *what, const char *name);
/*
 * The handler also writes its sentence to out, which may be shared memory, cut
 * at size bytes. NULL switches that off.
 */
void crash_share(char *out, size_t size);

#endif
