/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells all processes which secrets the core knows.
 */
#ifndef SUPER_SPREAD_H
#define SUPER_SPREAD_H

#include "super/inside.h"
#include "wire/channel.h"

/* Sends what the process at the other end was not told yet, and sets *told. */
void spread_to(struct channel *, size_t *told);
/* Sends to everyone what is new. Called in each tick. */
void spread_tick(struct supervisor *);

#endif
