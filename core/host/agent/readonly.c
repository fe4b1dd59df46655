/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs of agents that must not change anything. The agent's own switch for this
 * is used (agents.NAME.read_only) but not trusted: after such a run every tree
 * that the job holds is put back to what it was.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "host/agent/agent.h"
#include "host/exec.h"
#include "host/service.h"

int
readonly_begin(struct scope *s, struct readonly *r, struct error *err)
{
	struct tree *tree;

	*r = (struct readonly){ .len = 0 };
	while ((tree = lease_at(s, r->len)) != NULL) {
		r->trees = xreallocarray(r->trees, r->len + 1, sizeof *r->trees);
		r->trees[r->len] = NULL;
		if (tree_freeze(tree, &r->trees[r->len], err) != 0)
			return -1;
		r->len++;
	}
	return 0;
}

int
readonly_end(struct scope *s, struct readonly *r, const char *agent, struct error *err)
{
	struct buf undone = BUF_INIT, line = BUF_INIT;
	struct tree *tree;
	int changed, result = 0;

	for (size_t i = 0; i < r->len && (tree = lease_at(s, i)) != NULL; i++) {
		buf_clear(&undone);
		changed = tree_thaw(tree, r->trees[i], &undone, err);
		if (changed < 0) {
			result = error_prefix(err, "after a read-only run of agent %s", agent);
			break;
		}
		if (changed == 0)
			continue;
		log_printf(&s->log, DROVER_WARN,
		    "agent %s was to change nothing and changed %s in repo %s: undone", agent,
		    buf_str(&undone), tree->repo->name);
		buf_clear(&line);
		buf_addf(&line,
		    "drover: agent %s was to change nothing and changed %s in repo %s: undone\n",
		    agent, buf_str(&undone), tree->repo->name);
		exec_output(s, line.data, line.len);
	}
	buf_free(&undone);
	buf_free(&line);
	return result;
}

void
readonly_free(struct readonly *r)
{
	for (size_t i = 0; i < r->len; i++)
		tree_frozen_free(r->trees[i]);
	free(r->trees);
}
