/* SPDX-License-Identifier: Apache-2.0 */
/* What an agent's end means. */
#ifndef HOST_AGENT_VERDICT_H
#define HOST_AGENT_VERDICT_H

#include <stdint.h>

#include "host/agent/agent.h"

struct verdict_input {
	const char *agent;                     /* its configured name */
	const struct agent_reader *reader;
	const struct drover_outcome *outcome;
	const char *errors;                    /* the end of its stderr */
};

/*
 * 0: it may have worked, and what git shows decides. Else -1 with the class:
 * QUOTA (retry_after_ms until the reset), AUTH, CONFIG and AGAIN by the
 * catalogue (may be NULL), INTERNAL for every other failure. now is wall ms.
 */
int verdict(const struct verdict_input *, const struct catalogue *, int64_t now, struct error *);

#endif
