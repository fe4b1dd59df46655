/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The source pr-comment: everything people say on drover's own open pull
 * requests, in the conversation, at a line or in a review. Comments are read
 * before the pull requests, so that none of a new one is taken for somebody
 * else's.
 */
#include <stdio.h>
#include <string.h>

#include "github.h"

static bool comment_wanted(struct poll *, const struct ask *);
static int comment_look(struct poll *, struct drover_error *);
static int comment_poll(struct drover_scope *, void *, const char *, struct drover_error *);

static const struct drover_option options[] = {
	{ "repos", DROVER_LIST, 0, NULL,
	    "Configured repos to look at; all with forge \"github\" unless given." },
	{ "since", DROVER_DURATION, 0, "24h",
	    "How far back the very first poll of a repository looks." },
	{ "overlap", DROVER_DURATION, 0, "60s",
	    "How far before the newest one seen each poll looks again." },
	{ NULL, 0, 0, NULL, NULL },
};

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

static const struct watch_kind kind = { "github.pr-comment", comment_look, comment_wanted };

static bool
comment_wanted(struct poll *p, const struct ask *ask)
{
	/* An approval without a word asks for nothing. */
	return ask->text[strspn(ask->text, " \t\r\n")] != '\0' &&
	    (strcmp(ask->type, "issuecomment") != 0 || strstr(ask->url, "/pull/") != NULL);
}

static int
comment_look(struct poll *p, struct drover_error *err)
{
	int code;

	if ((code = poll_comments(p, LIST_COMMENTS, err)) != 0 ||
	    (code = poll_comments(p, LIST_REVIEW_COMMENTS, err)) != 0 ||
	    (code = poll_pulls(p, err)) != 0 || (code = poll_reviews(p, true, err)) != 0)
		return code;
	poll_keep(p, true);
	return 0;
}

static int
comment_poll(struct drover_scope *scope, void *source, const char *cursor, struct drover_error *err)
{
	return watch_poll(scope, source, &kind, cursor, err);
}
