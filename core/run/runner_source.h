/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source in its runner: it is opened, polled, and told how its jobs ended.
 * The runner's loop calls all of this, one callback at a time. The items of a
 * poll are kept until poll() has returned 0 and are sent then; if it fails they
 * are dropped, and so is the cursor.
 */
#ifndef RUN_RUNNER_SOURCE_H
#define RUN_RUNNER_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "host/scope.h"
#include "run/runner.h"

struct runner_source {
	struct runner *runner;
	const struct drover_source *source;  /* in the runner's image */
	char *name;                          /* with its plugin, such as "inbox.ticket" */
	bool open;
	struct options *options;
	struct scope scope;
	void *state;
	int *watches; /* inotify descriptors of the folders that it watches */
	int watches_len;
	/*
	 * Monotonic ms at which SOURCE_CHANGED is sent; 0 if nothing changed.
	 */
	int64_t tell_at;
	uint64_t poll_id;
	struct message_out *items;           /* items of the poll under way */
	int items_len;
	size_t items_bytes;
	char *cursor;                        /* NULL if the poll did not move it */
};

/* Checks the source's options and opens it if it is enabled. */
int runner_source_open(struct runner *, int index, struct error *);
/* Calls close() if the source is open, and frees what the source holds. */
void runner_source_close(struct runner_source *);
/* An open source by its name without the plugin; NULL if there is none. */
struct runner_source *runner_source_find(const struct runner *, const char *name);
/* Serves SOURCE_POLL: polls, then sends the items and SOURCE_POLLED. */
void runner_source_poll(struct runner *, const struct message *);
/* Serves SOURCE_SETTLE: calls settle() and sends SOURCE_SETTLED. */
void runner_source_settle(struct runner *, const struct message *);
/* Reads the inotify events. Many changes within 50 ms are reported as one. */
void runner_source_changes(struct runner *, int64_t now);
/*
 * Sends the SOURCE_CHANGED messages that are due. Returns when the next one
 * will be, INT64_MAX if none is waiting.
 */
int64_t runner_source_tell(struct runner *, int64_t now);

#endif
