/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes tell each other which secrets they know (base/secrets.h), so that
 * each hides all of them. A secret goes from process to process in memory only.
 */
#ifndef WIRE_KNOWN_H
#define WIRE_KNOWN_H

#include <stddef.h>

#include "wire/message.h"

/*
 * Begins a SECRETS message with the values from number `from` on, as many as
 * one message takes. Returns the number of the first that is left out.
 */
size_t known_put(struct message_out *, size_t from);
/* Adds the values of a SECRETS message, and wipes it. */
void known_take(struct message *);
/*
 * Sends the values from *told on, in as many messages as they need, and sets
 * *told. Returns 0, or -1 with the error of message_send().
 */
int known_send(int fd, size_t *told, struct error *);

#endif
