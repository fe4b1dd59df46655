/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an operator should know although drover goes on.
 */
#ifndef SUPER_WARNINGS_H
#define SUPER_WARNINGS_H

#include <cjson/cJSON.h>

#include "super/fleet.h"

/* Returns the warnings, a sentence each. The caller deletes the list. */
cJSON *warnings_list(struct supervisor *);
/*
 * Call it when a plugin is ready: logs what the configuration expects of the
 * plugin and it does not have.
 */
void warnings_ready(struct runner_handle *);

#endif
