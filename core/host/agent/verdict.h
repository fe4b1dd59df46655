/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict on how an agent's run ended; agent.c asks for it. */
#ifndef HOST_AGENT_VERDICT_H
#define HOST_AGENT_VERDICT_H

#include <stdint.h>

#include "host/agent/agent.h"

struct verdict_input {
	const char *agent;                     /* name in the configuration */
	const struct agent_reader *reader;
	const struct drover_outcome *outcome;
	const char *errors;                    /* end of the agent's stderr */
};

/*
 * Returns 0 when the run may have worked; the commit then decides. Else -1 with
 * a class: QUOTA (retry_after_ms until the reset), AUTH, CONFIG and AGAIN
 * according to the catalogue, which may be NULL, or INTERNAL for every other
 * failure. now is wall ms.
 */
int verdict(const struct verdict_input *, const struct catalogue *, int64_t now, struct error *);

#endif
