/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The source pr-mention: pull requests of others where drover's login is
 * mentioned, in the description, a comment, at a line or in a review. GitHub
 * has no list of that for Apps, so texts are read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "github.h"

static bool mention_wanted(struct poll *, const struct ask *);
static int mention_body(struct poll *, struct pull *, struct drover_error *);
static int mention_look(struct poll *, struct drover_error *);
static int mention_poll(struct drover_scope *, void *, const char *, struct drover_error *);

static const struct drover_option options[] = {
	{ "repos", DROVER_LIST, 0, NULL,
	    "Configured repos to look at; all with forge \"github\" unless given." },
	{ "since", DROVER_DURATION, 0, "24h",
	    "How far back the very first poll of a repository looks." },
	{ "overlap", DROVER_DURATION, 0, "60s",
	    "How far before the newest one seen each poll looks again." },
	{ NULL, 0, 0, NULL, NULL },
};

const struct drover_source github_pr_mention = {
	.size = sizeof(struct drover_source),
	.name = "pr-mention",
	.summary = "Pull requests of others where drover is mentioned.",
	.options = options,
	.interval_ms = 60000,
	.authors = github_authors,
	.open = watch_open,
	.poll = mention_poll,
	.close = watch_close,
};

static const struct watch_kind kind = { "github.pr-mention", mention_look, mention_wanted };

static bool
mention_wanted(struct poll *p, const struct ask *ask)
{
	char *plain = talk_plain(ask->text);
	bool wanted = talk_mentions(plain, p->github->mention) &&
	    (strcmp(ask->type, "issuecomment") != 0 || strstr(ask->url, "/pull/") != NULL);

	free(plain);
	return wanted;
}

static int
mention_body(struct poll *p, struct pull *pull, struct drover_error *err)
{
	const char *body = json_text(pull->json, "body");
	bool old = p->fresh && when_read(json_text(pull->json, "created_at")) < p->begin;
	struct find *find;
	struct ask *ask;

	find = poll_find(p, LIST_PULLS, pull->number, pull->updated);
	ask = &find->ask;
	snprintf(ask->id, sizeof(ask->id), "%s", pull->number);
	snprintf(ask->number, sizeof(ask->number), "%s", pull->number);
	snprintf(ask->type, sizeof(ask->type), "pull");
	ask_read(ask, p->github, pull->json, body);
	snprintf(find->mark, sizeof(find->mark), "b.%s.%s", ask->id, ask->rev);
	if (ask->author[0] == '\0' || ask->self || cursor_done(p->state, find->mark) ||
	    !mention_wanted(p, ask)) {
		poll_find_drop(p);
		return 0;
	}
	/*
	 * What stood there before drover came is not meant for it, however
	 * often the pull request changes afterwards.
	 */
	if (!old)
		return 0;
	cursor_done_add(p->state, find->mark);
	poll_find_drop(p);
	return 0;
}

static int
mention_look(struct poll *p, struct drover_error *err)
{
	size_t i;
	int code;

	if ((code = poll_comments(p, LIST_COMMENTS, err)) != 0 ||
	    (code = poll_comments(p, LIST_REVIEW_COMMENTS, err)) != 0 ||
	    (code = poll_pulls(p, err)) != 0)
		return code;
	for (i = 0; i < p->pulls_len; i++)
		if (!p->pulls[i].own && (p->pulls[i].moved || p->fresh) &&
		    (code = mention_body(p, &p->pulls[i], err)) != 0)
			return code;
	if ((code = poll_reviews(p, false, err)) != 0)
		return code;
	poll_keep(p, false);
	return 0;
}

static int
mention_poll(struct drover_scope *scope, void *source, const char *cursor, struct drover_error *err)
{
	return watch_poll(scope, source, &kind, cursor, err);
}
