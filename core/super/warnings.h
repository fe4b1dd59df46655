/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an operator should know although drover goes on.
 */
#ifndef SUPER_WARNINGS_H
#define SUPER_WARNINGS_H

#include <cjson/cJSON.h>

#include "super/fleet.h"

/* ["what is wrong, and where to look"]; the caller deletes. */
cJSON *warnings_list(struct supervisor *);
/* A plugin is ready: logs what others expect of it and it does not have. */
void warnings_ready(struct runner_handle *);

#endif
