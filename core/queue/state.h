/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a job as data: [state][event] -> next state. SQL CHECKs, docs and
 * tests follow this table.
 */
#ifndef QUEUE_STATE_H
#define QUEUE_STATE_H

#include <stdbool.h>

#define JOB_STATES(X) \
	X(QUEUED, "queued") X(RUNNING, "running") X(DELAYED, "delayed") X(HELD, "held") \
	X(SUCCEEDED, "succeeded") X(DEAD, "dead") X(CANCELLED, "cancelled")

enum job_state {
#define X(name, text) JOB_##name,
	JOB_STATES(X)
#undef X
	JOB_STATES_LEN
};

#define JOB_EVENTS(X) \
	X(CLAIM, "claim")           /* an attempt begins */ \
	X(SUCCEED, "succeed")       /* the attempt succeeded */ \
	X(FAIL, "fail")             /* it failed, and another one is left: delayed with backoff */ \
	X(EXHAUST, "exhaust")       /* the last attempt failed */ \
	X(REFUSE, "refuse")         /* it failed in a way that no further attempt can mend */ \
	X(QUOTA, "quota")           /* a quota is used up: delayed until its reset */ \
	X(HUMAN, "human")           /* a person must decide */ \
	X(INTERRUPT, "interrupt")   /* the core or its machine stopped or crashed */ \
	X(QUARANTINE, "quarantine") /* the job was running at three crashes of the core */ \
	X(DUE, "due")               /* the delay is over */ \
	X(HOLD, "hold")             /* the rest is what an operator does */ \
	X(RELEASE, "release") \
	X(CANCEL, "cancel") \
	X(RETRY, "retry")           /* counters begin anew */ \
	X(DISCARD, "discard")       /* a dead job is put aside */

enum job_event {
#define X(name, text) EVENT_##name,
	JOB_EVENTS(X)
#undef X
	JOB_EVENTS_LEN
};

/* The next state, or -1 when the pair is not allowed. */
int state_next(enum job_state, enum job_event);
const char *state_name(enum job_state);
int state_parse(const char *name);         /* -1 when there is no such name */
const char *event_name(enum job_event);
int event_parse(const char *name);         /* -1 when there is no such name */
bool state_is_final(enum job_state);       /* succeeded, dead, cancelled */

#endif
