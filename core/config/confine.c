/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the places that tell people about the sandbox before a job needs it: the
 * daemon's start, its status, and the check of a configuration.
 */
#include <string.h>

#include "base/bwrap.h"
#include "config/confine.h"

static bool confine_differs(const struct config *, int sandbox, int network);

static bool
confine_differs(const struct config *c, int sandbox, int network)
{
	return (sandbox >= 0 && sandbox != c->sandbox) || network == NETWORK_NONE;
}

const char *
confine_mode(const struct config *c)
{
	static const char *const words[] = { "off", "on", "required" };
	bool differs = false;

	for (int i = 0; i < c->agents_len; i++)
		differs = differs ||
		    confine_differs(c, c->agents[i].sandbox, c->agents[i].network);
	for (int i = 0; i < c->repos_len; i++)
		differs = differs || confine_differs(c, c->repos[i].sandbox, c->repos[i].network);
	return differs ? "some" : words[c->sandbox];
}

void
confine_fault(const struct config *c, struct buf *out)
{
	const char *mode = confine_mode(c), *fault;

	if (strcmp(mode, "off") == 0 || (fault = bwrap_fault()) == NULL)
		return;
	buf_addf(out, "there is no sandbox here, so %s: %s",
	    strcmp(mode, "on") == 0           ? "jobs run without" :
		strcmp(mode, "required") == 0 ? "no agent runs" :
						"jobs run without, or fail where it is required",
	    fault);
}
