/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sources pr-comment and pr-mention. The first takes everything that people
 * say on drover's own open pull requests, in the conversation, at a line or in
 * a review. The second takes what mentions drover's login on those of others,
 * in their descriptions as well. GitHub has no list of mentions for Apps, so
 * the texts are read.
 *
 * watch.c calls look once for each repository of a poll. Comments are read
 * before the pull requests. So a comment on a pull request that is opened in
 * between is not taken for one on another person's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "github.h"

static bool on_pull(const struct ask *);
static bool comment_wanted(struct poll *, const struct ask *);
static int comment_look(struct poll *, struct drover_error *);
static int comment_poll(struct drover_scope *, void *, const char *, struct drover_error *);
static bool mention_wanted(struct poll *, const struct ask *);
static void mention_body(struct poll *, const struct pull *);
static int mention_look(struct poll *, struct drover_error *);
static int mention_poll(struct drover_scope *, void *, const char *, struct drover_error *);
static int pulls_look(struct poll *, struct drover_error *);

static const struct drover_option options[] = { WATCH_OPTIONS, { 0 } };

const char *const github_authors[] = { "owner", "member", "collaborator", NULL };

const struct drover_source github_pr_comment = {
	.size = sizeof(struct drover_source),
	.name = "pr-comment",
	.summary = "Comments and reviews on drover's own open pull requests.",
	.options = options,
	.interval_ms = 30000,
	.authors = github_authors,
	.open = watch_open,
	.poll = comment_poll,
	.close = watch_close,
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

static const struct watch_kind comments = { "github.pr-comment", comment_look, comment_wanted };
static const struct watch_kind mentions = { "github.pr-mention", mention_look, mention_wanted };

/* Comments of issues and pull requests come in one list. */
static bool
on_pull(const struct ask *ask)
{
	return strcmp(ask->type, "issuecomment") != 0 || strstr(ask->url, "/pull/") != NULL;
}

static bool
comment_wanted(struct poll *p, const struct ask *ask)
{
	/*
	 * An approval without a word asks for nothing, and neither does a quote
	 * or code alone.
	 */
	return on_pull(ask) && talk_says(p->scope, ask->body);
}

static bool
mention_wanted(struct poll *p, const struct ask *ask)
{
	return on_pull(ask) && talk_mentions(p->scope, ask->body, p->github->mention);
}

static int
pulls_look(struct poll *p, struct drover_error *err)
{
	int code;

	if ((code = poll_comments(p, LIST_COMMENTS, err)) != 0 ||
	    (code = poll_comments(p, LIST_REVIEW_COMMENTS, err)) != 0)
		return code;
	return poll_pulls(p, err);
}

static int
comment_look(struct poll *p, struct drover_error *err)
{
	int code;

	if ((code = pulls_look(p, err)) != 0 || (code = poll_reviews(p, true, err)) != 0)
		return code;
	poll_keep(p, true);
	return 0;
}

/*
 * A mention that stood in a description before drover saw the repository is not
 * meant for it, however often the pull request changes afterwards.
 */
static void
mention_body(struct poll *p, const struct pull *pull)
{
	struct find *find = poll_find(p, LIST_PULLS, pull->number, pull->updated);
	struct ask *ask = &find->ask;

	snprintf(ask->id, sizeof(ask->id), "%s", pull->number);
	snprintf(ask->number, sizeof(ask->number), "%s", pull->number);
	snprintf(ask->type, sizeof(ask->type), "pull");
	ask_read(ask, p->github, pull->json, json_text(pull->json, "body"));
	snprintf(find->mark, sizeof(find->mark), "b.%s.%s", ask->id, ask->rev);
	if (ask->author[0] == '\0' || ask->self || !mention_wanted(p, ask))
		poll_find_drop(p);
	else
		poll_find_once(p, json_text(pull->json, "created_at"));
}

static int
mention_look(struct poll *p, struct drover_error *err)
{
	size_t i;
	int code;

	if ((code = pulls_look(p, err)) != 0)
		return code;
	for (i = 0; i < p->pulls_len; i++)
		if (!p->pulls[i].own && (p->pulls[i].moved || p->fresh))
			mention_body(p, &p->pulls[i]);
	if ((code = poll_reviews(p, false, err)) != 0)
		return code;
	poll_keep(p, false);
	return 0;
}

static int
comment_poll(struct drover_scope *scope, void *source, const char *cursor, struct drover_error *err)
{
	return watch_poll(scope, source, &comments, cursor, err);
}

static int
mention_poll(struct drover_scope *scope, void *source, const char *cursor, struct drover_error *err)
{
	return watch_poll(scope, source, &mentions, cursor, err);
}
