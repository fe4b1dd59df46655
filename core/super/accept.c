/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trust gate, in front of the queue. An item whose author is not among the
 * source's authors never becomes a job. It leaves a row, which `drover source
 * refused` shows. Its author gets no answer, because that would tell strangers
 * that drover listens.
 */
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/text.h"
#include "config/authors.h"
#include "super/accept.h"
#include "super/submit.h"
#include "wire/fields.h"

#define ACCEPT_TITLE_MAX 200 /* bytes that are kept of a refused title or name */
#define ACCEPT_MARKS_MAX 64

static bool accept_allows(struct runner_handle *, struct source *, struct source_item *,
    const char **why);
static int accept_refuse(struct runner_handle *, struct source *, struct source_item *,
    const char *why, struct error *);
static int accept_submit(struct runner_handle *, struct source *, struct source_item *,
    struct error *);

struct source_item *
accept_item(struct message *m)
{
	struct source_item *i = xcalloc(1, sizeof *i);

	ITEM_FIELDS(FIELD_GET, m, &i->ask);
	i->ask.replaces = (message_u(m, "item") & DROVER_ITEM_REPLACES) != 0;
	i->author = (struct drover_person){ .size = sizeof i->author,
		.flags = (uint32_t)message_u(m, "flags"),
		.id = message_s(m, "author"),
		.name = message_s(m, "name") };
	i->marks = message_s(m, "marks");
	i->bytes = m->bytes;
	m->bytes = (struct buf)BUF_INIT;
	return i;
}

void
accept_free(struct source_item *i)
{
	buf_free(&i->bytes);
	free(i);
}

static bool
accept_allows(struct runner_handle *r, struct source *source, struct source_item *i,
    const char **why)
{
	const char *marks[ACCEPT_MARKS_MAX + 1] = { NULL };
	struct drover_person person = i->author;
	const char *const *own = (const char *const *)source->authors;
	char *lines = xstrdup(i->marks), *rest = lines, *mark;
	bool allowed;
	size_t n = 0;

	while (n < ACCEPT_MARKS_MAX && (mark = strsep(&rest, "\n")) != NULL)
		if (*mark != '\0')
			marks[n++] = mark;
	person.marks = marks;
	/*
	 * The list of the present configuration decides, even if the poll began
	 * under an earlier one.
	 */
	allowed = authors_allow(authors_of(r->supervisor->core->config, source->name, own), own,
		      &person, why) == 1;
	free(lines);
	return allowed;
}

static int
accept_refuse(struct runner_handle *r, struct source *source, struct source_item *i,
    const char *why, struct error *err)
{
	struct log_scope scope = r->supervisor->log;
	struct buf title = BUF_INIT, name = BUF_INIT;
	char sha256[DIGEST_HEX];
	struct store_refusal refusal = { .source = source->name,
		.key = i->ask.key,
		.author = i->author.id,
		.why = why,
		.sha256 = sha256 };
	int fresh;

	if (refusal.key[0] == '\0' || strlen(refusal.key) > DROVER_KEY_MAX ||
	    strlen(refusal.author) > DROVER_KEY_MAX ||
	    !text_is_utf8(refusal.key, strlen(refusal.key)) ||
	    !text_is_utf8(refusal.author, strlen(refusal.author)))
		return error_set(err, DROVER_PERMANENT,
		    "a refused item needs a key; key and author have at most %d bytes of UTF-8",
		    DROVER_KEY_MAX);
	text_show(&title, i->ask.title, strlen(i->ask.title), ACCEPT_TITLE_MAX);
	text_show(&name, i->author.name, strlen(i->author.name), ACCEPT_TITLE_MAX);
	refusal.title = buf_str(&title);
	refusal.name = buf_str(&name);
	digest_sha256(i->ask.payload, i->ask.payload_len, sha256);
	if ((fresh = store_refusal_add(r->supervisor->core->store, &refusal, err)) == 1) {
		source->refused++;
		scope.plugin = r->plugin;
		scope.source = source->name;
		scope.key = refusal.key;
		log_printf(&scope, DROVER_NOTICE, "refused: an item of %s: %s",
		    refusal.author[0] != '\0' ? refusal.author : "an unknown author", why);
	}
	buf_free(&title);
	buf_free(&name);
	return fresh < 0 ? -1 : 0;
}

/*
 * An item that names something that is not configured becomes a held job, so
 * that the ticket is not lost and the reason can be read.
 */
static int
accept_submit(struct runner_handle *r, struct source *source, struct source_item *i,
    struct error *err)
{
	struct core *core = r->supervisor->core;
	char sha256[DIGEST_HEX];
	struct job_ask *ask = &i->ask;
	struct error held = { .code = 0 }, why = { .code = 0 };
	uint64_t id;
	int fresh;

	digest_sha256(ask->payload, ask->payload_len, sha256);
	ask->source = source->name;
	ask->author = i->author.id[0] != '\0' ? i->author.id : NULL;
	ask->sha256 = sha256;
	fresh = job_submit(r->supervisor, ask, &id, &why);
	if (fresh < 0 && why.code == DROVER_CONFIG) {
		held = why;
		ask->held_why = held.text;
		ask->repo = text_is_name(ask->repo) ? ask->repo : NULL;
		ask->agent = text_is_name(ask->agent) ? ask->agent : NULL;
		ask->pool = text_is_name(ask->pool) ? ask->pool : NULL;
		fresh = queue_submit(core->queue, ask, &id, &why);
	}
	if (fresh < 0)
		*err = why;
	else if (ask->replaces)
		/* What it replaced has ended, perhaps of another source. */
		sources_job_ended(r->supervisor, NULL);
	return fresh;
}

int
accept_take(struct runner_handle *r, struct source *source, struct source_item *i,
    struct error *err)
{
	const char *why;

	if (!accept_allows(r, source, i, &why))
		return accept_refuse(r, source, i, why, err);
	return accept_submit(r, source, i, err);
}
