/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state that the parts of the core share: what is deferred until the
 * commit, and the readings of the machine's memory and disk.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "core.h"

struct deferred {
	void (*fn)(void *, const struct error *);
	void *arg;
	struct deferred *next;
};

void
core_init(struct core *core)
{
	memset(core, 0, sizeof *core);
	core->deferred_tail = &core->deferred;
}

const char *
core_mode_name(enum core_mode mode)
{
	static const char *const names[] = { "starting", "running", "draining", "stopping" };

	return names[mode];
}

void
core_defer(struct core *core, void (*fn)(void *, const struct error *), void *arg)
{
	struct deferred *d = xcalloc(1, sizeof *d);

	d->fn = fn;
	d->arg = arg;
	*core->deferred_tail = d;
	core->deferred_tail = &d->next;
}

bool
core_owes(const struct core *core)
{
	return core->deferred != NULL;
}

struct deferred *
core_deferred(struct core *core)
{
	struct deferred *list = core->deferred;

	core->deferred = NULL;
	core->deferred_tail = &core->deferred;
	return list;
}

void
deferred_run(struct deferred *list, const struct error *failed)
{
	struct deferred *d;

	while ((d = list) != NULL) {
		list = d->next;
		d->fn(d->arg, failed);
		free(d);
	}
}

void
core_view(struct core *core, struct queue_view *view)
{
	int64_t now = clock_mono();

	if (core->viewed_at == 0 || now - core->viewed_at >= CORE_VIEW_MS) {
		core->viewed_at = now;
		core->view.memory_available = proc_memory_available();
		core->view.disk_free = path_free_bytes(core->config->state_dir);
	}
	core->view.draining = core->mode == CORE_DRAINING;
	core->view.stopping = core->mode == CORE_STOPPING;
	*view = core->view;
}
