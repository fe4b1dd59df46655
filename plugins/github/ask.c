/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks: what a person wants of drover. The sources read an ask from a comment,
 * a review, a body or a label, key it by what triggered it and the revision of
 * its text, and freeze it as the payload of a job. The pipelines read it from
 * there, and carry out that text even if it was edited since.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "github.h"

#define HUNK_MAX 4000
#define CONTEXT_MAX 40000

static const struct {
	const char *name;
	size_t offset, size;
} texts[] = {
#define TEXT(name) { #name, offsetof(struct ask, name), sizeof(((struct ask *)0)->name) }
	TEXT(slug), TEXT(number), TEXT(type), TEXT(id), TEXT(rev), TEXT(top), TEXT(author),
	TEXT(association), TEXT(url), TEXT(path), TEXT(title), TEXT(prompt)
#undef TEXT
};

static char *text_copy_clean(const char *, size_t);
static void object_add_cut(cJSON *, const char *, const char *, size_t);

void
ask_free(struct ask *ask)
{
	free(ask->text);
	free(ask->body);
	free(ask->context);
	ask->text = ask->body = ask->context = NULL;
}

static char *
text_copy_clean(const char *text, size_t max)
{
	size_t len = text_cut(text, strlen(text), max);
	char *out = xmalloc(len + 1);

	text_clean(out, len + 1, text, len, "\n\t");
	return out;
}

void
ask_read(struct ask *ask, const struct github *github, const cJSON *object, const char *body)
{
	const cJSON *user = json_at(object, "user");
	const char *association = json_text(object, "author_association"),
		   *hunk = json_text(object, "diff_hunk");
	size_t i;

	snprintf(ask->author, sizeof(ask->author), "%s", json_text(user, "login"));
	for (i = 0; association[i] != '\0' && i + 1 < sizeof(ask->association); i++)
		ask->association[i] = (char)tolower((unsigned char)association[i]);
	ask->association[i] = '\0';
	/*
	 * A marker in a person's text comes from another drover that has this
	 * person's account. Two drovers that answer each other would never end.
	 */
	ask->bot = strcmp(json_text(user, "type"), "Bot") == 0 ||
	    cJSON_IsObject(json_at(object, "performed_via_github_app")) || talk_marker_ends(body);
	ask->self = account_is_self(github, ask->author);
	if (strlen(json_text(object, "html_url")) < sizeof(ask->url))
		text_line(ask->url, sizeof(ask->url), json_text(object, "html_url"));
	text_line(ask->path, sizeof(ask->path), json_text(object, "path"));
	ask->line = (int64_t)json_number(object, "line");
	if (ask->line == 0)
		ask->line = (int64_t)json_number(object, "original_line");
	ask_free(ask);
	ask->text = text_copy_clean(body, 4 * DROVER_PAYLOAD_MAX);
	ask->body = xstrdup(body);
	ask_revise(ask);
	if (*hunk != '\0')
		ask_context(ask, hunk);
}

void
ask_context(struct ask *ask, const char *text)
{
	free(ask->context);
	ask->context =
	    text_copy_clean(text, strcmp(ask->type, "reviewcomment") == 0 ? HUNK_MAX : CONTEXT_MAX);
}

void
ask_revise(struct ask *ask)
{
	const char *text = ask->text != NULL ? ask->text : "";

	/*
	 * The revision is made from the text, because updated_at also changes
	 * when a comment is hidden or gets a reaction.
	 */
	snprintf(ask->rev, sizeof(ask->rev), "%08" PRIx64,
	    text_hash(0, text, strlen(text)) & 0xffffffffu);
}

void
ask_key(const struct ask *ask, char key[DROVER_KEY_MAX])
{
	snprintf(key, DROVER_KEY_MAX, "github/%s/%s/%s@%s", ask->slug, ask->type, ask->id,
	    ask->rev);
}

void
ask_serial(const struct ask *ask, char serial[DROVER_KEY_MAX])
{
	snprintf(serial, DROVER_KEY_MAX, "github/%s#%s", ask->slug, ask->number);
}

/* Adds a text unless it is NULL; one that is cut says so. */
static void
object_add_cut(cJSON *object, const char *key, const char *text, size_t max)
{
	struct text_buf out = { 0 };
	size_t cut;

	if (text == NULL)
		return;
	cut = text_cut(text, strlen(text), max);
	text_add(&out, text, cut);
	if (text[cut] != '\0')
		text_addf(&out, "\n[... the rest is too long and was cut]");
	json_put_text(object, key, text_of(&out));
	text_free(&out);
}

char *
ask_payload(const struct ask *ask)
{
	size_t max = DROVER_PAYLOAD_MAX, i;
	cJSON *object;
	char *out;

	/*
	 * JSON may double the length of a text or more, so the length is known
	 * only afterwards.
	 */
	for (;; max /= 2) {
		object = json_object();
		for (i = 0; i < ARRAY_LEN(texts); i++) {
			const char *value = (const char *)ask + texts[i].offset;

			if (*value != '\0')
				json_put_text(object, texts[i].name, value);
		}
		json_put_number(object, "line", (double)ask->line);
		json_put_number(object, "at", (double)ask->at);
		object_add_cut(object, "text", ask->text, max);
		object_add_cut(object, "context", ask->context, max);
		out = json_print(object);
		cJSON_Delete(object);
		if (strlen(out) <= DROVER_PAYLOAD_MAX)
			return out;
		free(out);
	}
}

int
ask_parse(struct ask *ask, const char *payload, uint64_t len, struct drover_error *err)
{
	struct drover_error why = { 0 };
	cJSON *object = json_read(payload, len, &why);
	const char *value;
	size_t i;
	int code = 0;

	memset(ask, 0, sizeof(*ask));
	if (!cJSON_IsObject(object)) {
		cJSON_Delete(object);
		return plugin_fail(err, DROVER_PERMANENT,
		    "the job's payload is not one of this plugin: %.200s",
		    object == NULL ? why.text : "it is not an object");
	}
	for (i = 0; i < ARRAY_LEN(texts); i++) {
		value = json_text(object, texts[i].name);
		if (strlen(value) >= texts[i].size)
			code = plugin_fail(err, DROVER_PERMANENT,
			    "\"%s\" in the job's payload is too long", texts[i].name);
		else
			snprintf((char *)ask + texts[i].offset, texts[i].size, "%s", value);
	}
	ask->line = (int64_t)json_number(object, "line");
	ask->at = (int64_t)json_number(object, "at");
	ask->text = text_copy_clean(json_text(object, "text"), DROVER_PAYLOAD_MAX);
	value = json_text(object, "context");
	ask->context = *value != '\0' ? text_copy_clean(value, CONTEXT_MAX) : NULL;
	/* These become parts of paths. */
	if (code == 0 &&
	    (!slug_is(ask->slug) || !text_is_of(ask->number, TEXT_DIGITS) ||
		!text_is_of(ask->id, TEXT_DIGITS) ||
		(ask->top[0] != '\0' && !text_is_of(ask->top, TEXT_DIGITS))))
		code = plugin_fail(err, DROVER_PERMANENT,
		    "the job's payload names no issue or pull request");
	cJSON_Delete(object);
	return code;
}
