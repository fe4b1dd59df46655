/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The core learns secrets from its configuration and from every process that
 * reads one, and hands each on to all others: runners, the keeper, and the
 * peers that have shown that they take such messages. A worker of an older
 * drover does not.
 */
#include "base/secrets.h"
#include "super/chores.h"
#include "super/fleet.h"
#include "super/peer.h"
#include "super/spread.h"
#include "wire/known.h"

void
spread_to(struct channel *channel, size_t *told)
{
	struct message_out out;

	while (*told < secrets_count()) {
		*told = known_put(&out, *told);
		channel_send(channel, &out);
	}
}

void
spread_tick(struct supervisor *s)
{
	struct runner_handle *r;
	struct peer *p;

	if (s->core->in_process)
		return;
	TAILQ_FOREACH(r, &s->runners, link)
		if (r->channel != NULL)
			spread_to(r->channel, &r->told);
	TAILQ_FOREACH(p, &s->peers, link)
		if (p->knows)
			spread_to(p->channel, &p->told);
	chores_spread(s);
}
