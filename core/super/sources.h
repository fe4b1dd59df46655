/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources as the core sees them: when to poll, what a poll brought, and telling
 * each how its jobs ended.
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
	int64_t polled_at;           /* wall, of the last answer; 0 before the first */
	int64_t poll_began;          /* monotonic; 0 while no poll is under way */
	uint64_t poll_id;
	bool poll_again;             /* it changed while it was polled */
	int64_t wake_at;             /* monotonic: polled then, before its time; 0: not woken */
	int64_t began_at;            /* monotonic, of the last poll */
	struct listener listener;
	int failures;                /* polls in a row */
	char error[DROVER_ERROR_MAX];
	uint64_t items_taken;
	char **authors;              /* the plugin's own, NULL-terminated; NULL: no gate */
	uint64_t refused;            /* since the runner started */
	STAILQ_HEAD(, source_item) items; /* of the poll under way */
	uint64_t settling;           /* job whose settle is under way; 0 when none is */
	bool settle_due;
	int64_t settle_at;           /* monotonic: not before */
};

/*
 * The runner has described its plugin: the sources that the configuration
 * enables begin.
 */
void sources_ready(struct runner_handle *);
void sources_forget(struct runner_handle *);
/*
 * Polls and settles what is due; may condemn the runner. ms until the next, -1:
 * never.
 */
int64_t sources_tick(struct runner_handle *, int64_t now);
void sources_message(struct runner_handle *, struct message *);
/* A job of this source has ended (NULL: of any): settles are looked for. */
void sources_job_ended(struct supervisor *, const char *source);
/*
 * {source: items refused since its runner started}, for the sources that have
 * authors.
 */
cJSON *sources_refused(struct supervisor *);
/* Polls one source now, or all for NULL. -1: there is no such source. */
int sources_poll(struct supervisor *, const char *name, struct error *);
/*
 * Polls it now, or as soon as it may be: at most once a second. Ignored when it
 * is not enabled.
 */
void sources_wake(struct runner_handle *, const char *local);

#endif
