/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds out which repo a message is about. Only a configured name counts as
 * one.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "slack.h"

#define NAME_CHARS TEXT_ALNUM "_-."
#define LISTED 20

static bool repo_known(struct drover_scope *, const char *, size_t, char *);
static size_t word_len(const char *);
static bool word_begins(const char *, const char *);

/* True if a repo of this name is configured. */
static bool
repo_known(struct drover_scope *scope, const char *name, size_t len, char *out)
{
	struct drover_repo repo = { .size = sizeof(repo) };
	char copy[DROVER_NAME_MAX];

	if (len == 0 || len >= sizeof(copy))
		return false;
	memcpy(copy, name, len);
	copy[len] = '\0';
	if (scope->host->repo->find(scope, copy, &repo) != 0)
		return false;
	memcpy(out, copy, len + 1);
	return true;
}

/*
 * The length of the name at this place, without a full stop or hyphen at its
 * end.
 */
static size_t
word_len(const char *at)
{
	size_t len = strspn(at, NAME_CHARS);

	while (len > 0 && strchr(".-", at[len - 1]) != NULL)
		len--;
	return len;
}

static bool
word_begins(const char *text, const char *at)
{
	return at == text || strchr(" \t\n,;(", at[-1]) != NULL;
}

bool
repo_named(struct drover_scope *scope, const char *plain, char repo[DROVER_NAME_MAX],
    char wrong[DROVER_NAME_MAX])
{
	const char *at, *name;
	size_t len;

	repo[0] = wrong[0] = '\0';
	for (at = plain; (at = strcasestr(at, "repo:")) != NULL; at++) {
		if (!word_begins(plain, at))
			continue;
		name = at + 5 + strspn(at + 5, " `\"");
		if (repo_known(scope, name, len = word_len(name), repo))
			return true;
		if (len > 0 && wrong[0] == '\0')
			snprintf(wrong, DROVER_NAME_MAX, "%.*s",
			    (int)(len < DROVER_NAME_MAX ? len : DROVER_NAME_MAX - 1), name);
	}
	if (wrong[0] != '\0')
		return false;
	for (at = plain; (at = strcasestr(at, "in ")) != NULL; at++) {
		name = at + 3 + strspn(at + 3, " `\"");
		if (word_begins(plain, at) && repo_known(scope, name, word_len(name), repo))
			return true;
	}
	/*
	 * A message that is only "web" answers the question which repo is
	 * meant, so it counts.
	 */
	name = plain + strspn(plain, " \t\n`\"");
	len = word_len(name);
	return name[len + strspn(name + len, " \t\n.!`\"")] == '\0' &&
	    repo_known(scope, name, len, repo);
}

bool
repo_usual(struct drover_scope *scope, const char *channel, char repo[DROVER_NAME_MAX])
{
	const struct drover_host_option *option = scope->host->option;
	size_t i, n = option->count(scope, "channel_repos"), len = strlen(channel);
	struct drover_repo only = { .size = sizeof(only) };
	const char *text;

	for (i = 0; i < n; i++) {
		text = option->item(scope, "channel_repos", i);
		if (text != NULL && strncmp(text, channel, len) == 0 && text[len] == '=')
			return repo_known(scope, text + len + 1, strlen(text + len + 1), repo);
	}
	if ((text = option->string(scope, "repo")) != NULL && *text != '\0')
		return repo_known(scope, text, strlen(text), repo);
	if (scope->host->repo->at(scope, 1, &only) == 0 ||
	    scope->host->repo->at(scope, 0, &only) != 0)
		return false;
	return repo_known(scope, only.name, strlen(only.name), repo);
}

void
repo_list(struct drover_scope *scope, struct text_buf *out)
{
	struct drover_repo repo = { .size = sizeof(repo) };
	size_t i;

	for (i = 0; scope->host->repo->at(scope, i, &repo) == 0; i++) {
		if (i == LISTED) {
			text_addf(out, " and others");
			return;
		}
		text_addf(out, "%s`%s`", i > 0 ? ", " : "", repo.name);
	}
}
