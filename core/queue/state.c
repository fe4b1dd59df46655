/* SPDX-License-Identifier: Apache-2.0 */
/* The state table. A pair that is not in it is not allowed. */
#include <string.h>

#include "base/mem.h"
#include "queue/state.h"

#define NEXT(state) (JOB_##state + 1) /* a pair that is not named is 0, which means "not allowed" */

static const unsigned char table[JOB_STATES_LEN][JOB_EVENTS_LEN] = {
	[JOB_QUEUED] = {
		[EVENT_CLAIM] = NEXT(RUNNING),
		[EVENT_HOLD] = NEXT(HELD),
		[EVENT_CANCEL] = NEXT(CANCELLED),
	},
	[JOB_RUNNING] = {
		[EVENT_SUCCEED] = NEXT(SUCCEEDED),
		[EVENT_FAIL] = NEXT(DELAYED),
		[EVENT_EXHAUST] = NEXT(DEAD),
		[EVENT_REFUSE] = NEXT(DEAD),
		[EVENT_QUOTA] = NEXT(DELAYED),
		[EVENT_HUMAN] = NEXT(HELD),
		[EVENT_INTERRUPT] = NEXT(QUEUED),
		[EVENT_QUARANTINE] = NEXT(HELD),
		[EVENT_CANCEL] = NEXT(CANCELLED),
	},
	[JOB_DELAYED] = {
		[EVENT_DUE] = NEXT(QUEUED),
		[EVENT_HOLD] = NEXT(HELD),
		[EVENT_CANCEL] = NEXT(CANCELLED),
		[EVENT_RETRY] = NEXT(QUEUED),
	},
	[JOB_HELD] = {
		[EVENT_RELEASE] = NEXT(QUEUED),
		[EVENT_CANCEL] = NEXT(CANCELLED),
	},
	[JOB_DEAD] = {
		[EVENT_RETRY] = NEXT(QUEUED),
		[EVENT_DISCARD] = NEXT(CANCELLED),
	},
	[JOB_CANCELLED] = {
		[EVENT_RETRY] = NEXT(QUEUED),
	},
};

static const char *const states[] = {
#define X(name, text) [JOB_##name] = text,
	JOB_STATES(X)
#undef X
};

static const char *const events[] = {
#define X(name, text) [EVENT_##name] = text,
	JOB_EVENTS(X)
#undef X
};

static int
state_parse_name(const char *const *names, int len, const char *name)
{
	for (int i = 0; i < len; i++) {
		if (strcmp(names[i], name) == 0)
			return i;
	}
	return -1;
}

int
state_next(enum job_state state, enum job_event event)
{
	MUST((unsigned)state < JOB_STATES_LEN && (unsigned)event < JOB_EVENTS_LEN);
	return table[state][event] - 1;
}

const char *
state_name(enum job_state state)
{
	MUST((unsigned)state < JOB_STATES_LEN);
	return states[state];
}

int
state_parse(const char *name)
{
	return state_parse_name(states, JOB_STATES_LEN, name);
}

const char *
event_name(enum job_event event)
{
	MUST((unsigned)event < JOB_EVENTS_LEN);
	return events[event];
}

int
event_parse(const char *name)
{
	return state_parse_name(events, JOB_EVENTS_LEN, name);
}

bool
state_is_final(enum job_state state)
{
	return state == JOB_SUCCEEDED || state == JOB_DEAD || state == JOB_CANCELLED;
}
