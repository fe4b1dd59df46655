/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's entry, for main.c. */
#ifndef DAEMON_H
#define DAEMON_H

#include <stdbool.h>

/*
 * Runs until it is told to stop. Returns the exit status: 0, 1, or 3 for a bad
 * configuration. self: path of this executable.
 */
int daemon_run(const char *self, const char *config_file, bool in_process);

#endif
