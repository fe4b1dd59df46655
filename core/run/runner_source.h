/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source in its runner: opened, polled, told how jobs ended. What a poll
 * emits is kept back until it has returned 0.
 */
#ifndef RUN_RUNNER_SOURCE_H
#define RUN_RUNNER_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "host/scope.h"
#include "run/runner.h"

struct runner_source {
	struct runner *runner;
	const struct drover_source *source;  /* of the image */
	char *name;                          /* "inbox.ticket" */
	bool open;
	struct options *options;
	struct scope scope;
	void *state;
	int *watches;                        /* inotify descriptors */
	int watches_len;
	int64_t tell_at; /* monotonic: when SOURCE_CHANGED goes out; 0: nothing changed */
	uint64_t poll_id;
	struct message_out *items;           /* of the poll under way */
	int items_len;
	size_t items_bytes;
	char *cursor;                        /* NULL: not moved */
};

/* Checks its options and, where it is enabled, opens it. */
int runner_source_open(struct runner *, int index, struct error *);
void runner_source_close(struct runner_source *);
/* NULL: no such source, or it is not open. */
struct runner_source *runner_source_find(const struct runner *, const char *name);
void runner_source_poll(struct runner *, const struct message *);
void runner_source_settle(struct runner *, const struct message *);
/* Reads what inotify has; many changes at once are told once. */
void runner_source_changes(struct runner *, int64_t now);
/* Sends what is due; returns when the next is, INT64_MAX: nothing. */
int64_t runner_source_tell(struct runner *, int64_t now);

#endif
