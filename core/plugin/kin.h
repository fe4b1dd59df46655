/* SPDX-License-Identifier: Apache-2.0 */
/* Signals to a whole family of processes, whatever groups and sessions they have moved to. */
#ifndef PLUGIN_KIN_H
#define PLUGIN_KIN_H

#include <sys/types.h>

/* Sends a signal to every descendant of root, not to root itself. */
void kin_signal(pid_t root, int number);

#endif
