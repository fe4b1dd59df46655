/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second step of jira.fix: gathers what the prompts tell of a ticket. Texts
 * go in only if drover or people who may start work wrote them.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/talk.h"
#include "jira/fix.h"

#define COMMENTS_MAX 50
#define COMMENTS_BYTES 20000
#define PARENT_BYTES 12000
#define RULES_BYTES 65536
#define RULES_FILES 200
#define MEMORY_MAX 16384

struct comments {
	struct jira *jira;
	const char *project;
	char *list[COMMENTS_MAX]; /* comments, newest first */
	size_t len, bytes;
	int left_out;
	char newest[JIRA_ID_MAX];
};

static int comments_each(void *, const cJSON *, struct drover_error *);
static int gather_trusts(struct jira *, const cJSON *, const char *, struct drover_error *);
static int gather_parent(struct fix *, struct drover_error *);
static int rules_file(const char *, struct text_buf *, struct drover_error *);
static int rules_is_text(const struct dirent *);
static int rules_folder(const char *, struct text_buf *, struct drover_error *);
static bool repo_is_listed(struct drover_scope *, const char *);

static int
comments_each(void *arg, const cJSON *comment, struct drover_error *err)
{
	struct comments *c = arg;
	const cJSON *author = json_get(comment, "author");
	const char *name = json_text(author, "displayName");
	bool me = jira_is_me(c->jira, author);
	struct text_buf out = { 0 };
	char who[128];
	int code;

	if (!me && (code = person_allowed(c->jira, NULL, author, c->project, err)) <= 0) {
		c->left_out += code == 0;
		return code;
	}
	if (!me && c->newest[0] == '\0')
		json_id(comment, "id", c->newest, sizeof(c->newest));
	text_line(who, sizeof(who), name);
	text_addf(&out, "%s%s, %.16s:\n", who, me ? " (that is you)" : "",
	    json_text(comment, "created"));
	adf_read(json_get(comment, "body"), &out);
	/* A comment that is not closed would hide what others said after it. */
	talk_marker_strip(out.data);
	out.len = strlen(out.data);
	if (c->len == COMMENTS_MAX || c->bytes + out.len > COMMENTS_BYTES) {
		text_free(&out);
		return c->len > 0 || out.len <= COMMENTS_BYTES;
	}
	c->bytes += out.len;
	c->list[c->len++] = out.data;
	return 0;
}

int
gather_comments(struct jira *j, const char *key, const char *project, struct text_buf *out,
    char *newest, size_t size, struct drover_error *err)
{
	struct comments c = { .jira = j, .project = project };
	int code = comment_each(j, key, COMMENTS_MAX, comments_each, &c, err);
	size_t i;

	for (i = c.len; i > 0; i--) {
		if (code == 0)
			text_addf(out, "%s%s", i < c.len ? "\n\n" : "", c.list[i - 1]);
		free(c.list[i - 1]);
	}
	if (newest != NULL)
		snprintf(newest, size, "%s", c.newest);
	if (c.left_out > 0)
		plugin_log(j->scope, DROVER_INFO,
		    "%s: %d comments are left out, whose authors may not start work", key,
		    c.left_out);
	return code;
}

/*
 * True if all people who wrote the issue's summary and description may start
 * work.
 */
static int
gather_trusts(struct jira *j, const cJSON *issue, const char *project, struct drover_error *err)
{
	const cJSON *history, *item;
	int code = person_allowed(j, NULL, scan_creator(issue), project, err);

	cJSON_ArrayForEach(history, json_at(issue, "changelog.histories"))
		cJSON_ArrayForEach(item, json_get(history, "items")) {
			const char *field = json_text(item, "field");

			if (code == 1 &&
			    (strcmp(field, "summary") == 0 || strcmp(field, "description") == 0) &&
			    !jira_is_me(j, json_get(history, "author")))
				code = person_allowed(j, NULL, json_get(history, "author"), project,
				    err);
		}
	return code;
}

static int
gather_parent(struct fix *f, struct drover_error *err)
{
	const char *key = json_text_at(f->issue, "fields.parent.key"), *text;
	struct text_buf description = { 0 };
	char summary[256];
	cJSON *parent;
	int code;

	if (*key == '\0' ||
	    (code = issue_get(&f->jira, key, "summary,description,creator,reporter", true, &parent,
		 err)) == 0)
		return 0;
	if (code == DROVER_PERMANENT) {
		plugin_log(f->scope, DROVER_WARN, "%s: its parent is left out: %s", f->p.issue,
		    err->text);
		return 0;
	}
	if (code < 0)
		return code;
	if ((code = gather_trusts(&f->jira, parent, f->p.project, err)) == 1) {
		text = json_text_at(parent, "fields.summary");
		text_line(summary, sizeof(summary), text);
		issue_text(parent, "description", &description);
		text = text_of(&description);
		text_addf(&f->parent, "%s: %s\n\n%.*s", key, summary,
		    (int)text_cut(text, strlen(text), PARENT_BYTES), text);
		text_free(&description);
	}
	cJSON_Delete(parent);
	return code < 0 ? code : 0;
}

static int
rules_file(const char *path, struct text_buf *out, struct drover_error *err)
{
	FILE *in = fopen(path, "re");
	size_t len;
	char *text;
	int code = 0;

	if (in == NULL)
		return plugin_fail(err, DROVER_CONFIG, "rules: %s: %s", path, strerror(errno));
	text = xmalloc(RULES_BYTES + 1);
	len = fread(text, 1, RULES_BYTES + 1, in);
	if (ferror(in))
		code = plugin_fail(err, DROVER_CONFIG, "rules: %s: %s", path, strerror(errno));
	else if (len + out->len > RULES_BYTES)
		code = plugin_fail(err, DROVER_CONFIG, "rules: more than %d bytes together with %s",
		    RULES_BYTES, path);
	else if (!text_is_utf8(text, len) || memchr(text, '\0', len) != NULL)
		code = plugin_fail(err, DROVER_CONFIG, "rules: %s: is not UTF-8 text", path);
	else {
		text_addf(out, "%s", out->len > 0 ? "\n\n" : "");
		text_add(out, text, len);
	}
	free(text);
	fclose(in);
	return code;
}

static int
rules_is_text(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && dot != NULL &&
	    (strcmp(dot, ".md") == 0 || strcmp(dot, ".mdc") == 0);
}

static int
rules_folder(const char *path, struct text_buf *out, struct drover_error *err)
{
	struct dirent **list;
	char file[DROVER_PATH_MAX];
	int n = scandir(path, &list, rules_is_text, alphasort), i, code = 0;

	if (n < 0)
		return plugin_fail(err, DROVER_CONFIG, "rules: %s: %s", path, strerror(errno));
	for (i = 0; i < n; i++) {
		if (code == 0 && i < RULES_FILES &&
		    snprintf(file, sizeof(file), "%s/%s", path, list[i]->d_name) <
			(int)sizeof(file))
			code = rules_file(file, out, err);
		free(list[i]);
	}
	free(list);
	return code;
}

int
gather_rules(struct drover_scope *scope, struct text_buf *out, struct drover_error *err)
{
	size_t n = scope->host->option->count(scope, "rules"), i;
	struct stat st;
	int code = 0;

	for (i = 0; i < n && code == 0; i++) {
		const char *path = scope->host->option->item(scope, "rules", i);

		if (*path != '/')
			code = plugin_fail(err, DROVER_CONFIG,
			    "rules: %s: must be an absolute path", path);
		else if (stat(path, &st) != 0)
			code =
			    plugin_fail(err, DROVER_CONFIG, "rules: %s: %s", path, strerror(errno));
		else
			code = S_ISDIR(st.st_mode) ? rules_folder(path, out, err) :
						     rules_file(path, out, err);
	}
	return code;
}

static bool
repo_is_listed(struct drover_scope *scope, const char *name)
{
	size_t n = scope->host->option->count(scope, "repos"), i;

	for (i = 0; i < n; i++)
		if (strcmp(scope->host->option->item(scope, "repos", i), name) == 0)
			return true;
	return n == 0;
}

int
gather_repos(struct drover_scope *scope, const struct drover_job *job, const struct payload *p,
    const char **repos, size_t *len, struct drover_error *err)
{
	const struct drover_host_repo *host = scope->host->repo;
	struct drover_repo repo = { .size = sizeof(repo) };
	const char *named;
	size_t many, i;

	*len = 0;
	if (job->repo[0] != '\0') {
		repos[(*len)++] = job->repo;
		return 0;
	}
	for (i = 0; (named = payload_repo(scope, p->labels, p->components, i, &many)) != NULL; i++)
		if (*len < FIX_REPOS && repo_is_listed(scope, named))
			repos[(*len)++] = named;
	for (i = 0; many == 0 && host->at(scope, i, &repo) == 0; i++) {
		if (!repo_is_listed(scope, repo.name))
			continue;
		if (*len == FIX_REPOS)
			return plugin_fail(err, DROVER_CONFIG,
			    "%s: is about more than %d repos: label it repo:NAME, or set repos",
			    p->issue, FIX_REPOS);
		repos[(*len)++] = repo.name;
	}
	if (*len == 0)
		return plugin_fail(err, DROVER_CONFIG,
		    "%s: names no repo that is configured and listed in option repos", p->issue);
	return 0;
}

int
fix_gather(struct fix *f, struct drover_error *err)
{
	const struct drover_host *host = f->scope->host;
	char subject[DROVER_KEY_MAX], *text;
	int code;

	if ((code = gather_repos(f->scope, f->job, &f->p, f->repos, &f->repos_len, err)) != 0)
		return code;
	if ((code = host->lease->fetch(f->scope, f->repos, f->repos_len, err)) != 0)
		return code;
	if ((code = host->lease->scratch(f->scope, f->scratch, sizeof(f->scratch), err)) != 0)
		return code;
	if ((code = gather_parent(f, err)) != 0 ||
	    (code = gather_comments(&f->jira, f->p.issue, f->p.project, &f->comments, f->newest,
		 sizeof(f->newest), err)) != 0 ||
	    (code = fix_images(f, err)) != 0 ||
	    (code = gather_rules(f->scope, &f->rules, err)) != 0)
		return code;
	text = xmalloc(MEMORY_MAX);
	fix_subject(f, subject);
	if (host->memory->read(f->scope, subject, text, MEMORY_MAX, err) > 0)
		text_addf(&f->memory, "%s", text);
	free(text);
	return 0;
}

const char *
gather_prompt(struct drover_scope *scope, const char *name, const struct payload *p,
    const char *comments, const char *rules, const char *const *repos, size_t n,
    const struct drover_variable *more, size_t more_len, struct drover_error *err)
{
	struct text_buf list = { 0 };
	struct drover_variable values[16] = {
		{ "key", p->issue, DROVER_TRUSTED, 0 },
		{ "summary", p->summary, 0, 0 },
		{ "description", p->description, 0, 0 },
		{ "type", p->type, 0, 0 },
		{ "priority", p->priority, 0, 0 },
		{ "comments", comments, 0, 0 },
		{ "rules", rules, DROVER_TRUSTED, 0 },
	};
	const char *prompt;
	size_t len = 7;

	trees_list(scope, repos, n, &list);
	values[len++] = (struct drover_variable){ "repos", text_of(&list), DROVER_TRUSTED, 0 };
	for (size_t i = 0; i < more_len && len < ARRAY_LEN(values); i++)
		values[len++] = more[i];
	prompt =
	    scope->host->prompt->render(scope, name, n == 1 ? repos[0] : NULL, values, len, err);
	text_free(&list);
	return prompt;
}

const char *
fix_prompt(struct fix *f, const char *name, const char *const *repos, size_t n,
    const struct drover_variable *more, size_t more_len, struct drover_error *err)
{
	struct drover_variable all[8] = {
		{ "parent", text_of(&f->parent), 0, 0 },
		{ "images", text_of(&f->images), 0, 0 },
		{ "memory", text_of(&f->memory), 0, 0 },
	};

	memcpy(all + 3, more, more_len * sizeof(*more));
	return gather_prompt(f->scope, name, &f->p, text_of(&f->comments), text_of(&f->rules),
	    repos, n, all, 3 + more_len, err);
}
