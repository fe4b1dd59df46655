/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of services for a scope. It is here since host/ knows none of its
 * own groups.
 */
#ifndef RUN_SERVICES_H
#define RUN_SERVICES_H

#include "host/scope.h"

extern const struct drover_host plugin_services;

#endif
