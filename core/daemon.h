/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's entry point, which main() calls. */
#ifndef DAEMON_H
#define DAEMON_H

#include <stdbool.h>

/*
 * Runs the core until it is told to stop. Returns the exit status: 0 after a
 * stop, 1 when the core could not be opened, 3 when the configuration is wrong.
 * self is the path of this executable; config_file may be NULL, which looks for
 * one in the usual places. With in_process plugins run as threads of this
 * process.
 */
int daemon_run(const char *self, const char *config_file, bool in_process);

#endif
