/* SPDX-License-Identifier: Apache-2.0 */
/* The core's entry, for main.c. */
#ifndef DAEMON_RUN_H
#define DAEMON_RUN_H

#include <stdbool.h>

/*
 * Runs until it is told to stop; returns the exit status: 0, 1, or 3 for a bad
 * configuration. self: this executable.
 */
int daemon_run(const char *self, const char *config_file, bool in_process);

#endif
