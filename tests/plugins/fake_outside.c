/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the core and other plugins do for the plugin under test, in memory. Each
 * write is a step that the process can be killed at.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "fake_host.h"

static struct fake_outside *outside(struct drover_scope *);
static struct fake_kept *kept(struct fake_kept *, int *, const char *, bool);
static int64_t give(char *, size_t, const char *);

static struct fake_outside *
outside(struct drover_scope *scope)
{
	((struct fake *)scope)->calls++;
	return &((struct fake *)scope)->outside;
}

static int64_t
give(char *out, size_t size, const char *text)
{
	if (out != NULL && size > 0)
		snprintf(out, size, "%s", text);
	return (int64_t)strlen(text);
}

static struct fake_kept *
kept(struct fake_kept *list, int *n, const char *key, bool make)
{
	for (int i = 0; i < *n; i++)
		if (strcmp(list[i].key, key) == 0)
			return &list[i];
	if (!make)
		return NULL;
	ck_assert_int_lt(*n, FAKE_KEPT);
	ck_assert_uint_lt(strlen(key), DROVER_KEY_MAX);
	snprintf(list[*n].key, sizeof(list[*n].key), "%s", key);
	return &list[(*n)++];
}

void
fake_secret(struct fake *f, const char *key, const char *value)
{
	struct fake_outside *o = &f->outside;

	snprintf(o->secrets[o->nsecrets].key, sizeof(o->secrets[0].key), "%s", key);
	snprintf(o->secrets[o->nsecrets].value, sizeof(o->secrets[0].value), "%s", value);
	o->nsecrets++;
}

void
fake_repo(struct fake *f, const char *name, const char *url, const char *forge)
{
	struct fake_outside *o = &f->outside;

	snprintf(o->repos[o->nrepos].key, sizeof(o->repos[0].key), "%s", name);
	snprintf(o->repos[o->nrepos].value, sizeof(o->repos[0].value), "%s", url);
	snprintf(o->forges[o->nrepos], sizeof(o->forges[0]), "%s", forge != NULL ? forge : "");
	o->nrepos++;
}

void
fake_trust(struct fake *f, const char *id_or_mark)
{
	snprintf(f->outside.trusted[f->outside.ntrusted], sizeof(f->outside.trusted[0]), "%s",
	    id_or_mark);
	f->outside.ntrusted++;
}

void
fake_reply(struct fake *f, const char *operation, int code, const char *reply)
{
	struct fake_outside *o = &f->outside;

	ck_assert_int_lt(o->nreplies, 16);
	o->replies[o->nreplies].operation = operation;
	o->replies[o->nreplies].code = code;
	o->replies[o->nreplies++].reply = reply;
}

void
fake_agent(struct fake *f, const char *text)
{
	ck_assert_int_lt(f->outside.nagent_texts, 16);
	f->outside.agent_texts[f->outside.nagent_texts++] = text;
}

const char *
fake_kv(const struct fake *f, const char *key)
{
	for (int i = 0; i < f->outside.nkv; i++)
		if (strcmp(f->outside.kv[i].key, key) == 0)
			return f->outside.kv[i].value;
	return NULL;
}

const char *
fake_effect(const struct fake *f, const char *key)
{
	for (int i = 0; i < f->outside.neffects; i++)
		if (strcmp(f->outside.effects[i].key, key) == 0 &&
		    f->outside.effects[i].state == DROVER_EFFECT_DONE)
			return f->outside.effects[i].value;
	return NULL;
}

static int
trust_allows(struct drover_scope *scope, const char *source, const struct drover_person *person,
    struct drover_error *err)
{
	struct fake_outside *o = outside(scope);

	ck_assert_uint_eq(person->size, sizeof(*person));
	if ((person->flags & (DROVER_PERSON_SELF | DROVER_PERSON_BOT)) != 0)
		return 0;
	for (int i = 0; i < o->ntrusted; i++) {
		if (strcmp(o->trusted[i], person->id) == 0)
			return 1;
		for (size_t j = 0; person->marks != NULL && person->marks[j] != NULL; j++)
			if (strcmp(o->trusted[i], person->marks[j]) == 0)
				return 1;
	}
	return 0;
}

static const char *
trust_author(struct drover_scope *scope, const char *source, size_t index)
{
	struct fake_outside *o = &((struct fake *)scope)->outside;

	return index < (size_t)o->ntrusted ? o->trusted[index] : NULL;
}

static int
memory_append(struct drover_scope *scope, const char *subject, const char *key, const char *role,
    const char *text, struct drover_error *err)
{
	struct fake_outside *o = outside(scope);
	struct fake_line *line;

	fake_step((struct fake *)scope);
	for (int i = 0; i < o->nmemory; i++)
		if (strcmp(o->memory[i].subject, subject) == 0 &&
		    strcmp(o->memory[i].key, key) == 0)
			return 0;
	ck_assert_int_lt(o->nmemory, FAKE_KEPT);
	line = &o->memory[o->nmemory++];
	snprintf(line->subject, sizeof(line->subject), "%s", subject);
	snprintf(line->key, sizeof(line->key), "%s", key);
	snprintf(line->role, sizeof(line->role), "%s", role);
	snprintf(line->text, sizeof(line->text), "%s", text);
	return 0;
}

static int64_t
memory_read(struct drover_scope *scope, const char *subject, char *text, size_t size,
    struct drover_error *err)
{
	struct fake_outside *o = outside(scope);
	size_t used = 0;

	if (size > 0)
		text[0] = '\0';
	for (int i = 0; i < o->nmemory && used < size; i++)
		if (strcmp(o->memory[i].subject, subject) == 0)
			used += (size_t)snprintf(text + used, size - used, "%s%s: %s",
			    used > 0 ? "\n\n" : "", o->memory[i].role, o->memory[i].text);
	return (int64_t)used;
}

static int
memory_forget(struct drover_scope *scope, const char *subject, struct drover_error *err)
{
	struct fake_outside *o = outside(scope);

	for (int i = 0; i < o->nmemory; i++)
		if (strcmp(o->memory[i].subject, subject) == 0)
			o->memory[i].subject[0] = '\0';
	return 0;
}

/* "NAME" and a line "VARIABLE=VALUE" for each. */
static const char *
prompt_render(struct drover_scope *scope, const char *name, const char *repo,
    const struct drover_variable *variables, size_t n, struct drover_error *err)
{
	struct fake_outside *o = outside(scope);
	size_t used = (size_t)snprintf(o->rendered, sizeof(o->rendered), "%s\n", name);

	for (size_t i = 0; i < n && used < sizeof(o->rendered); i++)
		used += (size_t)snprintf(o->rendered + used, sizeof(o->rendered) - used, "%s=%s\n",
		    variables[i].name, variables[i].value != NULL ? variables[i].value : "");
	return o->rendered;
}

static int
repo_at(struct drover_scope *scope, size_t index, struct drover_repo *repo)
{
	struct fake_outside *o = outside(scope);

	ck_assert_uint_eq(repo->size, sizeof(*repo));
	if (index >= (size_t)o->nrepos)
		return -1;
	repo->name = o->repos[index].key;
	repo->url = o->repos[index].value;
	repo->base = "";
	repo->forge = o->forges[index];
	return 0;
}

static int
repo_find(struct drover_scope *scope, const char *name, struct drover_repo *repo)
{
	struct fake_outside *o = outside(scope);

	for (int i = 0; i < o->nrepos; i++)
		if (strcmp(o->repos[i].key, name) == 0)
			return repo_at(scope, (size_t)i, repo);
	return -1;
}

static int64_t
kv_get(struct drover_scope *scope, const char *key, char *value, size_t size,
    struct drover_error *err)
{
	struct fake_outside *o = outside(scope);
	struct fake_kept *k = kept(o->kv, &o->nkv, key, false);

	if (k != NULL && k->state != 0)
		return give(value, size, k->value);
	if (err != NULL)
		err->code = 0;
	return -1;
}

static int
kv_set(struct drover_scope *scope, const char *key, const char *value, struct drover_error *err)
{
	struct fake_outside *o = outside(scope);
	struct fake_kept *k = kept(o->kv, &o->nkv, key, true);

	fake_step((struct fake *)scope);
	ck_assert_uint_le(strlen(value), DROVER_VALUE_MAX);
	snprintf(k->value, sizeof(k->value), "%s", value);
	k->state = 1;
	fake_step((struct fake *)scope);
	return 0;
}

static int
kv_remove(struct drover_scope *scope, const char *key, struct drover_error *err)
{
	struct fake_outside *o = outside(scope);
	struct fake_kept *k = kept(o->kv, &o->nkv, key, false);

	fake_step((struct fake *)scope);
	if (k != NULL) {
		k->state = 0;
		k->value[0] = '\0';
	}
	return 0;
}

static int
effect_begin(struct drover_scope *scope, const char *key, char *result, size_t size,
    struct drover_error *err)
{
	struct fake_outside *o = outside(scope);
	struct fake_kept *k = kept(o->effects, &o->neffects, key, true);
	int state = k->state;

	fake_step((struct fake *)scope);
	if (result != NULL && size > 0)
		snprintf(result, size, "%s", k->value);
	if (state == DROVER_EFFECT_NEW)
		k->state = DROVER_EFFECT_UNSURE;
	fake_step((struct fake *)scope);
	return state;
}

static int
effect_done(struct drover_scope *scope, const char *key, const char *result,
    struct drover_error *err)
{
	struct fake_outside *o = outside(scope);
	struct fake_kept *k = kept(o->effects, &o->neffects, key, true);

	fake_step((struct fake *)scope);
	snprintf(k->value, sizeof(k->value), "%s", result != NULL ? result : "");
	k->state = DROVER_EFFECT_DONE;
	fake_step((struct fake *)scope);
	return 0;
}

static int64_t
secret_get(struct drover_scope *scope, const char *key, char *value, size_t size,
    struct drover_error *err)
{
	struct fake_outside *o = outside(scope);

	for (int i = 0; i < o->nsecrets; i++)
		if (strcmp(o->secrets[i].key, key) == 0)
			return give(value, size, o->secrets[i].value);
	if (err != NULL)
		err->code = 0;
	return -1;
}

static void
secret_mask(struct drover_scope *scope, const char *value)
{
	struct fake_outside *o = outside(scope);
	size_t used = strlen(o->masked);

	snprintf(o->masked + used, sizeof(o->masked) - used, "%s\n", value);
}

static int
secret_given(struct drover_scope *scope, const char *key)
{
	return secret_get(scope, key, NULL, 0, NULL) >= 0;
}

static int64_t
call_call(struct drover_scope *scope, const char *operation, const char *request, uint64_t len,
    char *reply, size_t size, struct drover_error *err)
{
	struct fake_outside *o = outside(scope);
	struct fake_call *c = &o->called[o->ncalled];

	ck_assert_int_lt(o->ncalled, 16);
	fake_step((struct fake *)scope);
	snprintf(c->operation, sizeof(c->operation), "%s", operation);
	snprintf(c->request, sizeof(c->request), "%.*s", (int)len, request);
	o->ncalled++;
	for (int i = 0; i < o->nreplies; i++) {
		if (o->replies[i].operation == NULL ||
		    strcmp(o->replies[i].operation, operation) != 0)
			continue;
		o->replies[i].operation = NULL;
		if (o->replies[i].code == 0)
			return give(reply, size, o->replies[i].reply);
		err->code = o->replies[i].code;
		snprintf(err->text, sizeof(err->text), "%s", o->replies[i].reply);
		return o->replies[i].code;
	}
	err->code = DROVER_CONFIG;
	snprintf(err->text, sizeof(err->text), "fake: nobody offers %s", operation);
	return DROVER_CONFIG;
}

static int
call_reply(struct drover_scope *scope, const char *reply, uint64_t len, struct drover_error *err)
{
	struct fake_outside *o = outside(scope);

	ck_assert_uint_le(len, DROVER_PAYLOAD_MAX);
	snprintf(o->replied, sizeof(o->replied), "%.*s", (int)len, reply);
	return 0;
}

static int
agent_run(struct drover_scope *scope, const struct drover_agent_run *run,
    struct drover_agent_result *result, struct drover_error *err)
{
	struct fake_outside *o = outside(scope);

	ck_assert_uint_eq(run->size, sizeof(*run));
	ck_assert_uint_eq(result->size, sizeof(*result));
	snprintf(o->agent_prompt, sizeof(o->agent_prompt), "%s", run->prompt);
	snprintf(o->agent_cwd, sizeof(o->agent_cwd), "%s", run->cwd != NULL ? run->cwd : "");
	o->agent_flags = run->flags;
	result->status = 0;
	snprintf(result->text, sizeof(result->text), "%s",
	    o->agents < o->nagent_texts ? o->agent_texts[o->agents] : "");
	o->agents++;
	if (o->agent_code != 0) {
		err->code = o->agent_code;
		snprintf(err->text, sizeof(err->text), "the agent failed");
	}
	return o->agent_code;
}

const struct drover_host_trust fake_trust_table = { sizeof(fake_trust_table), trust_allows,
	trust_author };
const struct drover_host_memory fake_memory = { sizeof(fake_memory), memory_append, memory_read,
	memory_forget };
const struct drover_host_prompt fake_prompt = { sizeof(fake_prompt), prompt_render };
const struct drover_host_repo fake_repo_table = { sizeof(fake_repo_table), repo_at, repo_find };
const struct drover_host_kv fake_kv_table = { sizeof(fake_kv_table), kv_get, kv_set, kv_remove };
const struct drover_host_effect fake_effect_table = { sizeof(fake_effect_table), effect_begin,
	effect_done };
const struct drover_host_secret fake_secret_table = { sizeof(fake_secret_table), secret_get,
	secret_mask, secret_given };
const struct drover_host_call fake_call_table = { sizeof(fake_call_table), call_call, call_reply };
const struct drover_host_agent fake_agent_table = { sizeof(fake_agent_table), agent_run };
