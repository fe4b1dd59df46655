/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The core's half of the host services: what a running attempt, an operation or
 * a runner may ask of the core.
 */
#ifndef SUPER_SERVICES_H
#define SUPER_SERVICES_H

#include <stdbool.h>

#include "super/fleet.h"
#include "super/peer.h"

void services_message(struct peer *, struct message *);
/*
 * Handles a runner's request in the same way. Returns false if the message is
 * not a request.
 */
bool services_runner(struct runner_handle *, struct message *);
/* Makes the limits of HTTP requests, with the pauses of an earlier core. */
void services_open(struct supervisor *);
void services_close(struct supervisor *);

#endif
