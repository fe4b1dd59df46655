/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The core's socket. A connection is known by its first message and the token
 * in it, and is then handed over to slots.c or services.c.
 */
#ifndef SUPER_PEERS_H
#define SUPER_PEERS_H

#include "super/inside.h"

int peers_open(struct supervisor *, struct error *);
void peers_close(struct supervisor *);
/*
 * Closes connections that have said no hello in time. Returns the ms until the
 * next is due, or -1 if no hello is missing.
 */
int64_t peers_tick(struct supervisor *, int64_t now);

#endif
