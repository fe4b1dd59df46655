/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commits in drover's name. Who made them, their sign-off and their signature
 * come from the configuration alone: neither the user's settings of git nor
 * what a job wrote into a repository have a say.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "config/sign.h"
#include "lease/files.h"

static bool author_ends_in_trailers(const char *message, size_t len);
static char *author_sign_off(const char *message, const git_signature *who);
static int author_write(git_repository *, const char *content, const char *key, git_oid *,
    struct error *);

int
author_signature(const struct tree *t, git_signature **out, struct error *err)
{
	const char *author = t->identity.author != NULL ? t->identity.author : IDENTITY_DROVER;
	char *name = NULL, *mail = NULL;
	int rc = -1;

	if (!identity_split(author, &name, &mail))
		error_set(err, DROVER_CONFIG,
		    "author \"%.200s\" is not \"Name <mail>\": correct it in the configuration",
		    author);
	else if (git2.signature_new(out, name, mail, clock_wall() / 1000, 0) != 0)
		git_fail(DROVER_INTERNAL, err, "author \"%.200s\" cannot be used", author);
	else
		rc = 0;
	free(name);
	free(mail);
	return rc;
}

/*
 * True if the last paragraph has nothing but lines "Key: value", and is not the
 * subject.
 */
static bool
author_ends_in_trailers(const char *message, size_t len)
{
	size_t begin = len, key;

	while (begin >= 2 && (message[begin - 1] != '\n' || message[begin - 2] != '\n'))
		begin--;
	if (begin < 2)
		return false;
	for (const char *line = message + begin; line < message + len; line++) {
		for (key = 0; isalnum((unsigned char)line[key]) || line[key] == '-'; key++)
			;
		if (key == 0 || line[key] != ':' || line[key + 1] != ' ')
			return false;
		line += strcspn(line, "\n");
	}
	return true;
}

/* The message with the sign-off as its last line, once. The caller frees it. */
static char *
author_sign_off(const char *message, const git_signature *who)
{
	char *line = xasprintf("Signed-off-by: %s <%s>", who->name, who->email), *whole;
	size_t len = strlen(message), n = strlen(line);
	bool there = false;

	while (len > 0 && message[len - 1] == '\n')
		len--;
	for (const char *at = message; !there && (at = strstr(at, line)) != NULL; at++)
		there = (at == message || at[-1] == '\n') && (at[n] == '\n' || at[n] == '\0');
	if (there)
		whole = xstrdup(message);
	else
		whole = xasprintf("%.*s%s%s\n", (int)len, message,
		    author_ends_in_trailers(message, len) ? "\n" : "\n\n", line);
	free(line);
	return whole;
}

static int
author_write(git_repository *repo, const char *content, const char *key, git_oid *made,
    struct error *err)
{
	struct buf signature = BUF_INIT;
	int rc = -1;

	if (sign_text(key, content, strlen(content), &signature, err) != 0)
		goto out;
	if (git2.commit_create_with_signature(made, repo, content, buf_str(&signature), "gpgsig") !=
	    0)
		git_fail(DROVER_INTERNAL, err, "cannot write the signed commit");
	else
		rc = 0;
out:
	buf_free(&signature);
	return rc;
}

int
author_commit(const struct tree *t, git_repository *repo, const git_oid *files,
    const git_commit *const *parents, size_t n, const char *message, git_oid *made,
    struct error *err)
{
	const git_commit **of = (const git_commit **)(uintptr_t)parents;
	git_signature *who = NULL;
	git_tree *tree = NULL;
	git_buf content = GIT_BUF_INIT;
	char *text = NULL;
	int rc = -1;

	if (author_signature(t, &who, err) != 0)
		return -1;
	text = t->identity.signoff ? author_sign_off(message, who) : xstrdup(message);
	if (git2.tree_lookup(&tree, repo, files) != 0 ||
	    git2.commit_create_buffer(&content, repo, who, who, NULL, text, tree, n, of) != 0)
		git_fail(DROVER_INTERNAL, err, "cannot commit in %s", t->path);
	else if (t->identity.sign_key_file != NULL)
		rc = author_write(repo, content.ptr, t->identity.sign_key_file, made, err);
	else if (git2.commit_create(made, repo, NULL, who, who, NULL, text, tree, n, of) != 0)
		git_fail(DROVER_INTERNAL, err, "cannot commit in %s", t->path);
	else
		rc = 0;
	free(text);
	git2.buf_dispose(&content);
	git2.tree_free(tree);
	git2.signature_free(who);
	return rc;
}
