/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of services for a scope. It is not in core/host, where the basic
 * files must not depend on the groups http, agent and change.
 */
#ifndef RUN_SERVICES_H
#define RUN_SERVICES_H

#include "host/scope.h"

extern const struct drover_host plugin_services;

#endif
