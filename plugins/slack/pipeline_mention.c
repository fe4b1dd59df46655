/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pipeline slack.mention. One message in the thread says what becomes of a
 * request, and is edited until it holds the answer or the pull request. The
 * agent gets a checkout whether it is asked a question or for a change; if it
 * changed a file, it was a change. When the job has ended for good,
 * slack_settle() edits that message for the last time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slack.h"

#include "common/forge.h"
#include "common/talk.h"

#define CONVERSATION_MAX 16384
#define THREAD_MAX 16384
#define THREAD_PAGES 3
#define WHY_MAX 300
#define TAKEN "eyes"
#define DONE "white_check_mark"
#define FAILED "x"

struct work {
	struct drover_scope *scope;
	const struct drover_job *job;
	struct account account;
	struct payload payload;
	struct people people;
	struct drover_repo repo;
	char status[SLACK_TS_MAX]; /* ts of drover's message in the thread */
	char subject[SLACK_ID_MAX + SLACK_TS_MAX];
	char *conversation;   /* conversation: what was said to and by drover before */
	char *thread;         /* what other trusted people have said in the thread */
	struct text_buf said; /* texts of the thread while it is read */
	bool reactions;
};

static int mention_run(struct drover_scope *, void *, const struct drover_job *,
    struct drover_error *);
static bool is_superseded(struct work *, struct drover_error *);
static void react(struct work *, bool, const char *);
static int say(struct work *, const char *, struct drover_error *);
static int status_begin(struct work *, struct drover_error *);
static int ask_repo(struct work *, struct drover_error *);
static int thread_each(void *, const cJSON *, struct drover_error *);
static int gather(struct work *, struct drover_error *);
static int remember(struct work *, struct drover_error *);
static const char *asker(const struct work *);
static int open_pull(struct work *, const struct drover_change_result *, const char *, char *,
    size_t, char *, size_t, struct drover_error *);
static int report(struct work *, const struct drover_change_result *, struct drover_error *);
static int carry_out(struct work *, struct drover_error *);
static void confess(struct work *, const struct drover_error *);

static const char *const variables[] = { "author", "conversation", "repo", "request", "thread",
	NULL };
static const struct drover_prompt prompt_mention = { .size = sizeof(struct drover_prompt),
	.name = "mention",
	.variables = variables };
static const struct drover_prompt *const prompts[] = { &prompt_mention, NULL };

const struct drover_pipeline slack_pipeline = {
	.size = sizeof(struct drover_pipeline),
	.retries = 2,
	.name = "mention",
	.summary = "Answers a message in its thread, or makes a change and opens a pull request.",
	.pool = "light",
	.timeout_ms = 50 * SLACK_MINUTE,
	.run = mention_run,
	.prompts = prompts,
};

static const char *
asker(const struct work *w)
{
	return w->payload.name[0] != '\0' ? w->payload.name : w->payload.user;
}

/*
 * True if the message was edited before this job began. Then another job has
 * the new words.
 */
static bool
is_superseded(struct work *w, struct drover_error *err)
{
	char key[DROVER_KEY_MAX], edited[SLACK_TS_MAX] = "";
	int64_t len;

	snprintf(key, sizeof(key), "edit/%s/%s", w->payload.channel, w->payload.ts);
	len = w->scope->host->kv->get(w->scope, key, edited, sizeof(edited), err);
	return len > 0 && ts_compare(edited, w->payload.edited) > 0;
}

/* Reactions are a courtesy: nothing depends on them. */
static void
react(struct work *w, bool add, const char *name)
{
	struct drover_error err;

	if (w->reactions &&
	    post_reaction(&w->account, add, w->payload.channel, w->payload.ts, name, &err) != 0)
		plugin_log(w->scope, DROVER_NOTICE, "reaction %s: %s", name, err.text);
}

static int
say(struct work *w, const char *text, struct drover_error *err)
{
	struct post post = { .channel = w->payload.channel,
		.thread = w->payload.thread,
		.text = text,
		.after = w->payload.ts };
	char key[DROVER_KEY_MAX];
	int code = post_edit(&w->account, w->payload.channel, w->status, text, err);

	if (code != DROVER_PERMANENT)
		return code;
	/* The message was removed, so another one is posted. */
	snprintf(key, sizeof(key), "again/%s/%s", w->job->trace, w->status);
	post.key = key;
	if ((code = post_once(&w->account, &post, w->status, err)) != 0)
		return code;
	return post_edit(&w->account, w->payload.channel, w->status, text, err);
}

static int
status_begin(struct work *w, struct drover_error *err)
{
	struct post post = { .channel = w->payload.channel,
		.thread = w->payload.thread,
		.text = "Taken: I am on it.",
		.key = w->job->key,
		.after = w->payload.ts };
	char where[SLACK_ID_MAX + SLACK_TS_MAX];
	int code;

	if ((code = post_once(&w->account, &post, w->status, err)) != 0)
		return code;
	snprintf(where, sizeof(where), "%s/%s", w->payload.channel, w->status);
	return w->scope->host->queue->result(w->scope, "status", where, err);
}

static int
ask_repo(struct work *w, struct drover_error *err)
{
	struct text_buf text = { 0 };
	int code;

	if (w->payload.wrong[0] != '\0') {
		text_addf(&text, "There is no repository `");
		mrkdwn_escape(&text, w->payload.wrong);
		text_addf(&text, "`. ");
	}
	text_addf(&text,
	    "Which repository is this about? Answer in this thread with `repo:NAME`. I know: ");
	repo_list(w->scope, &text);
	text_addf(&text, ".");
	if ((code = say(w, text_of(&text), err)) == 0 && (code = remember(w, err)) == 0)
		code = w->scope->host->queue->result(w->scope, "asked", "repo", err);
	text_free(&text);
	return code;
}

/*
 * The words of strangers must not reach a prompt, and those of the conversation
 * are in it already.
 */
static int
thread_each(void *arg, const cJSON *json, struct drover_error *err)
{
	struct work *w = arg;
	struct message m;
	struct person person;
	char *plain;
	int allowed, code;

	if (message_read(json, w->payload.channel, w->account.user, &m) != 0 || !m.person ||
	    strcmp(m.thread, w->payload.thread) != 0 || ts_compare(m.ts, w->payload.ts) >= 0)
		return 0;
	if ((code = person_find(&w->people, &w->account, m.user, &person, err)) != 0)
		return code;
	if ((allowed = person_allowed(w->scope, &person, err)) <= 0)
		return allowed;
	plain = mrkdwn_read(m.text, w->account.user);
	/* A comment that is not closed would hide what others said after it. */
	talk_marker_strip(plain);
	if (*plain != '\0' && strstr(w->conversation, plain) == NULL)
		text_addf(&w->said, "%s: %s\n\n", person.name[0] != '\0' ? person.name : person.id,
		    plain);
	free(plain);
	return 0;
}

/*
 * Reads what was said before. If the thread cannot be read, the conversation is
 * enough, unless the token itself is refused.
 */
static int
gather(struct work *w, struct drover_error *err)
{
	const struct param params[] = {
		{ "channel", w->payload.channel },
		{ "ts", w->payload.thread },
		{ "limit", w->account.history_per_minute > 0 ? "15" : "200" },
		{ NULL, NULL },
	};
	const char *said;
	char cursor[PAGE_MAX] = "";
	int code = 0;

	w->conversation = xcalloc(1, CONVERSATION_MAX);
	if (w->scope->host->memory->read(w->scope, w->subject, w->conversation, CONVERSATION_MAX,
		err) < 0)
		return err->code;
	if (strcmp(w->payload.thread, w->payload.ts) != 0)
		code = account_pages(&w->account, "conversations.replies", params, "messages",
		    THREAD_PAGES, cursor, sizeof(cursor), thread_each, w, err);
	if (code == DROVER_AUTH || code == DROVER_CANCELLED || code == DROVER_FENCED)
		return code;
	if (code != 0)
		plugin_log(w->scope, DROVER_NOTICE, "the thread could not be read: %s", err->text);
	said = text_of(&w->said);
	/* The last words matter most, so the beginning is cut. */
	if (w->said.len > THREAD_MAX) {
		said = text_end(said, THREAD_MAX);
		said += strcspn(said, "\n");
	}
	w->thread = xstrdup(said);
	return 0;
}

/*
 * Adds the request to the conversation. Call it only when the outcome is
 * certain: another attempt would take its own request for something that was
 * said before.
 */
static int
remember(struct work *w, struct drover_error *err)
{
	char role[DROVER_NAME_MAX + 1];

	talk_role(role, asker(w));
	return w->scope->host->memory->append(w->scope, w->subject, w->payload.ts, role,
	    w->payload.text, err);
}

static int
open_pull(struct work *w, const struct drover_change_result *result, const char *answer,
    char *number, size_t number_size, char *url, size_t size, struct drover_error *err)
{
	cJSON *ask = json_object();
	struct text_buf body = { 0 };
	int code;

	text_addf(&body, "%s\n\nAsked for in Slack by %s", answer, asker(w));
	if (w->account.url[0] != '\0')
		text_addf(&body, ": %sarchives/%s/p%.*s%s", w->account.url, w->payload.channel,
		    (int)strcspn(w->payload.ts, "."), w->payload.ts,
		    strchr(w->payload.ts, '.') + 1);
	talk_checks(&body, result);
	json_put_text(ask, "repo", w->repo.name);
	json_put_text(ask, "branch", result->branch);
	json_put_text(ask, "base", w->repo.base);
	json_put_text(ask, "title", w->job->title);
	json_put_text(ask, "body", text_of(&body));
	json_put_text(ask, "key", w->job->key);
	text_free(&body);
	code = forge_open_pull(w->scope, w->repo.forge, ask, number, number_size, url, size, err);
	return code != 0 ? code : w->scope->host->queue->result(w->scope, "pull", url, err);
}

/* Makes the text of the last edit: the answer, and where the change is. */
static int
report(struct work *w, const struct drover_change_result *result, struct drover_error *err)
{
	char number[32] = "", url[512] = "", key[DROVER_KEY_MAX],
	     *answer = talk_reply(result->text, sizeof(result->text)),
	     *shown =
		 mrkdwn_write(w->scope, *answer != '\0' ? answer : "Done.", SLACK_POST_MAX - 700);
	struct text_buf text = { 0 }, checks = { 0 };
	int code = 0;

	if (result->changed && w->repo.forge[0] != '\0' &&
	    (code = open_pull(w, result, answer, number, sizeof(number), url, sizeof(url), err)) !=
		0)
		goto out;
	text_addf(&text, "%s", shown);
	if (url[0] != '\0') {
		text_addf(&text, "\n\n:arrow_right: <");
		mrkdwn_escape(&text, url);
		text_addf(&text, "|Pull request%s%s>", number[0] != '\0' ? " #" : "", number);
	} else if (result->changed) {
		text_addf(&text, "\n\nPushed to the branch `");
		mrkdwn_escape(&text, result->branch);
		text_addf(&text, "`.");
	}
	if (result->changed && result->check_files[0] != '\0') {
		talk_checks(&checks, result);
		mrkdwn_escape(&text, text_of(&checks));
	}
	if ((code = say(w, text_of(&text), err)) != 0 || (code = remember(w, err)) != 0)
		goto out;
	text_free(&text);
	text_addf(&text, "%s%s%s", answer, url[0] != '\0' ? "\nPull request: " : "", url);
	snprintf(key, sizeof(key), "%s/answer", w->payload.ts);
	code = w->scope->host->memory->append(w->scope, w->subject, key, "drover", text_of(&text),
	    err);
out:
	text_free(&text);
	text_free(&checks);
	free(shown);
	free(answer);
	return code;
}

static int
carry_out(struct work *w, struct drover_error *err)
{
	const struct drover_variable values[] = {
		{ .name = "author", .value = asker(w) },
		{ .name = "conversation", .value = w->conversation },
		{ .name = "repo", .value = w->repo.name, .flags = DROVER_TRUSTED },
		{ .name = "request", .value = w->payload.text },
		{ .name = "thread", .value = w->thread },
	};
	struct drover_change change = { .size = sizeof(change) };
	struct drover_change_result *result;
	struct text_buf text = { 0 };
	int code;

	text_addf(&text, "Working on it in `%s`%s.", w->repo.name,
	    w->job->attempt > 1 ? ", once more" : "");
	code = say(w, text_of(&text), err);
	text_free(&text);
	if (code != 0)
		return code;
	change.repo = w->repo.name;
	change.title = w->job->title;
	change.prompt = w->scope->host->prompt->render(w->scope, "mention", w->repo.name, values,
	    ARRAY_LEN(values), err);
	if (change.prompt == NULL)
		return err->code;
	result = xcalloc(1, sizeof(*result));
	result->size = sizeof(*result);
	if ((code = w->scope->host->change->run(w->scope, &change, result, err)) == 0)
		code = report(w, result, err);
	free(result);
	return code;
}

/*
 * Says in the thread that the attempt failed. The core decides whether there is
 * another one.
 */
static void
confess(struct work *w, const struct drover_error *err)
{
	bool again =
	    err->code == DROVER_AGAIN || err->code == DROVER_QUOTA || err->code == DROVER_INTERNAL;
	struct text_buf text = { 0 };
	struct drover_error ignored;
	char why[WHY_MAX];

	if (err->code == DROVER_CANCELLED || err->code == DROVER_FENCED || w->status[0] == '\0')
		return;
	text_line(why, sizeof(why), err->text);
	text_addf(&text, "%s",
	    again                         ? "That did not work yet: " :
		err->code == DROVER_HUMAN ? "Somebody has to look at this: " :
					    "Failed: ");
	mrkdwn_escape(&text, why);
	text_addf(&text, "%s (trace `%s`)", again ? "\nI will try again." : "", w->job->trace);
	if (post_edit(&w->account, w->payload.channel, w->status, text_of(&text), &ignored) != 0)
		plugin_log(w->scope, DROVER_NOTICE, "the failure could not be told: %s",
		    ignored.text);
	text_free(&text);
	if (again)
		return;
	react(w, true, FAILED);
	(void)remember(w, &ignored);
}

static int
mention_run(struct drover_scope *scope, void *plugin, const struct drover_job *job,
    struct drover_error *err)
{
	struct work *w = xcalloc(1, sizeof(*w));
	int code;

	w->scope = scope;
	w->job = job;
	w->reactions = scope->host->option->integer(scope, "reactions") != 0;
	w->repo.size = sizeof(w->repo);
	if ((code = payload_read(&w->payload, job->payload, (size_t)job->payload_len, err)) != 0)
		goto out;
	snprintf(w->subject, sizeof(w->subject), "%s/%s", w->payload.channel, w->payload.thread);
	if (is_superseded(w, err)) {
		code = scope->host->queue->result(scope, "superseded",
		    "the message was edited before this began", err);
		goto out;
	}
	if ((code = account_open(&w->account, scope, "bot_token", err)) != 0)
		goto out;
	w->account.critical = true;
	if ((code = account_who(&w->account, err)) != 0)
		goto out;
	react(w, true, TAKEN);
	if ((code = status_begin(w, err)) != 0)
		goto out;
	if ((code = gather(w, err)) == 0) {
		if (w->payload.repo[0] == '\0' ||
		    scope->host->repo->find(scope, w->payload.repo, &w->repo) != 0)
			code = ask_repo(w, err);
		else
			code = carry_out(w, err);
	}
	if (code != 0) {
		confess(w, err);
		goto out;
	}
	react(w, false, TAKEN);
	react(w, true, DONE);
out:
	account_close(&w->account);
	payload_free(&w->payload);
	people_free(&w->people);
	text_free(&w->said);
	free(w->conversation);
	free(w->thread);
	free(w);
	return code;
}

int
slack_settle(struct drover_scope *scope, void *source, const struct drover_settled *settled,
    struct drover_error *err)
{
	bool cancelled = strcmp(settled->state, "cancelled") == 0;
	char channel[SLACK_ID_MAX], ts[SLACK_TS_MAX], key[DROVER_KEY_MAX],
	    edited[SLACK_TS_MAX] = "", why[WHY_MAX];
	struct work w = { .scope = scope };
	struct text_buf text = { 0 };
	struct drover_error ignored;
	const char *status, *slash;
	cJSON *result;
	int code = 0;

	if (payload_read(&w.payload, settled->payload, (size_t)settled->payload_len, &ignored) != 0)
		return 0;
	snprintf(key, sizeof(key), "edit/%s/%s", w.payload.channel, w.payload.ts);
	if (scope->host->kv->get(scope, key, edited, sizeof(edited), &ignored) > 0 &&
	    ts_compare(edited, w.payload.edited) <= 0)
		(void)scope->host->kv->remove(scope, key, &ignored);
	result = json_read(settled->result, strlen(settled->result), &ignored);
	status = json_text(result, "status");
	slash = strchr(status, '/');
	if (strcmp(settled->state, "succeeded") == 0 || slash == NULL ||
	    (size_t)(slash - status) >= sizeof(channel) || !ts_valid(slash + 1))
		goto out;
	snprintf(w.subject, sizeof(w.subject), "%s/%s", w.payload.channel, w.payload.thread);
	(void)remember(&w, &ignored);
	snprintf(channel, sizeof(channel), "%.*s", (int)(slash - status), status);
	ts_copy(ts, slash + 1);
	text_line(why, sizeof(why), settled->error);
	if (!cancelled)
		text_addf(&text, "I gave up after %u attempt%s: ", settled->attempts,
		    settled->attempts == 1 ? "" : "s");
	mrkdwn_escape(&text, cancelled ? "Cancelled." : why);
	text_addf(&text, " (trace `%s`)", settled->trace);
	if (account_open(&w.account, scope, "bot_token", err) != 0)
		goto out;
	w.reactions = scope->host->option->integer(scope, "reactions") != 0;
	code = post_edit(&w.account, channel, ts, text_of(&text), err);
	/*
	 * Any other failure would happen again and again, so it is only logged.
	 */
	if (code != 0 && code != DROVER_AGAIN && code != DROVER_QUOTA) {
		plugin_log(scope, DROVER_NOTICE, "%s: its end could not be told: %s", settled->key,
		    err->text);
		code = 0;
	}
	if (code == 0) {
		react(&w, false, TAKEN);
		react(&w, true, FAILED);
	}
	account_close(&w.account);
out:
	cJSON_Delete(result);
	payload_free(&w.payload);
	text_free(&text);
	return code;
}
