/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources as the core sees them: decides when to poll, takes what a poll
 * brought, and tells each source how its jobs ended.
 */
#ifndef SUPER_SOURCES_H
#define SUPER_SOURCES_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "super/fleet.h"
#include "super/listeners.h"
#include "wire/message.h"

struct source_item;

struct source {
	char *name;                  /* "inbox.folder" */
	const char *local;           /* "folder", within name */
	int64_t interval_ms, poll_timeout_ms;
	int64_t next_poll;           /* monotonic */
	int64_t polled_at;           /* wall; when the last poll ended; 0 before the first */
	/* monotonic; when the present poll began; 0 if no poll is under way */
	int64_t poll_began;
	uint64_t poll_id;
	bool poll_again;             /* poll it again at once, because it changed during the poll */
	/*
	 * monotonic; an earlier time for the next poll; 0 if it was not woken
	 */
	int64_t wake_at;
	int64_t began_at;            /* monotonic; when the last poll began */
	struct listener listener;
	int failures;                /* polls that failed in a row */
	char error[DROVER_ERROR_MAX];
	uint64_t items_taken;
	/*
	 * the plugin's own list, NULL-terminated; NULL means that there is no
	 * trust gate
	 */
	char **authors;
	uint64_t refused;            /* items refused since the runner started */
	STAILQ_HEAD(, source_item) items; /* items of the poll under way */
	int items_len;
	size_t items_bytes;
	/* the job that it is being told of; 0 if it is told of no job */
	uint64_t settling;
	bool settle_due;
	int64_t settle_at;           /* monotonic; it is told of no job before this time */
};

/*
 * Makes the sources that the configuration enables. Call it when the runner has
 * described its plugin.
 */
void sources_ready(struct runner_handle *);
void sources_forget(struct runner_handle *);
/*
 * Polls and settles what is due; may condemn the runner. Returns the ms until
 * the next is due, or -1 if nothing is due.
 */
int64_t sources_tick(struct runner_handle *, int64_t now);
void sources_message(struct runner_handle *, struct message *);
/*
 * Has the source look for jobs to settle, because one of its jobs has ended.
 * NULL means all sources.
 */
void sources_job_ended(struct supervisor *, const char *source);
/*
 * Returns {SOURCE: items refused since its runner started} for the sources that
 * have authors.
 */
cJSON *sources_refused(struct supervisor *);
/*
 * Polls a source now; NULL means all sources. Returns -1 if no such source
 * runs.
 */
int sources_poll(struct supervisor *, const char *name, struct error *);
/*
 * Polls a source now, but at most once a second. Does nothing if the source is
 * not enabled.
 */
void sources_wake(struct runner_handle *, const char *local);

#endif
