/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judges how an agent's run ended. The exit status and what the agent says are
 * only claims: there are CLIs that exit 0 and report success when their key was
 * refused. So what the agent printed is looked up in the catalogue, but only
 * where it can be an error message, not the agent's talk about one.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "host/agent/verdict.h"

#define QUOTA_LEAST_MS (60 * INT64_C(1000))
#define QUOTA_UNKNOWN_MS (15 * 60 * INT64_C(1000))
#define WORDS_SHOWN 280
#define END_OF_TEXT 2048

struct verdict_finding {
	int class;                   /* 0 when nothing was found */
	int64_t until;
	struct buf words;            /* what was found, made safe to show */
};

static void verdict_look(struct verdict_finding *, const struct verdict_input *,
    const struct catalogue *, int64_t now);
static bool verdict_look_at(struct verdict_finding *, const struct catalogue *, const char *text,
    bool start, int64_t now);
static int verdict_refuse(const struct verdict_finding *, const struct verdict_input *, int64_t now,
    struct error *);
static int verdict_fail(const struct verdict_input *, struct error *);
static void verdict_last_words(struct buf *out, const struct verdict_input *);
static void verdict_show(struct buf *out, const char *text);
static bool verdict_ended_well(const struct verdict_input *);
static bool verdict_used_tokens(const struct verdict_input *);

int
verdict(const struct verdict_input *in, const struct catalogue *catalogue, int64_t now,
    struct error *err)
{
	struct verdict_finding found = { .class = 0 };
	int rc = 0;

	if (catalogue != NULL)
		verdict_look(&found, in, catalogue, now);
	if (found.class != 0)
		rc = verdict_refuse(&found, in, now, err);
	else if (!verdict_ended_well(in) || in->reader->failure.len > 0)
		rc = verdict_fail(in, err);
	buf_free(&found.words);
	return rc;
}

static void
verdict_look(struct verdict_finding *f, const struct verdict_input *in,
    const struct catalogue *catalogue, int64_t now)
{
	const struct agent_reader *r = in->reader;
	const char *text = buf_str(&r->text);
	bool idle = r->kind->counts && !verdict_used_tokens(in);

	if (verdict_look_at(f, catalogue, buf_str(&r->failure), false, now))
		return;
	if (idle) {
		if (verdict_look_at(f, catalogue, text, false, now))
			return;
	} else if (!r->kind->counts) {
		if (verdict_ended_well(in)) {
			verdict_look_at(f, catalogue, text + strspn(text, " \t\r\n"), true, now);
			return;
		}
		if (verdict_look_at(f, catalogue,
			text + (r->text.len > END_OF_TEXT ? r->text.len - END_OF_TEXT : 0), false,
			now))
			return;
	}
	if (!verdict_ended_well(in) && (!in->outcome->timed_out || idle) &&
	    !verdict_look_at(f, catalogue, in->errors, false, now))
		verdict_look_at(f, catalogue, buf_str(&r->words), false, now);
}

static bool
verdict_look_at(struct verdict_finding *f, const struct catalogue *catalogue, const char *text,
    bool start, int64_t now)
{
	size_t len = strlen(text);

	if (len == 0)
		return false;
	f->class = start ? catalogue_match_start(catalogue, text, len, now, &f->until) :
	    catalogue_match(catalogue, text, len, now, &f->until);
	if (f->class == 0)
		return false;
	verdict_show(&f->words, text);
	return true;
}

static int
verdict_refuse(const struct verdict_finding *f, const struct verdict_input *in, int64_t now,
    struct error *err)
{
	const char *what = f->class == DROVER_QUOTA ? "has hit a limit" :
	    f->class == DROVER_AUTH                 ? "was refused" :
	    f->class == DROVER_CONFIG               ? "cannot work as it is configured" :
						      "could not reach its provider";
	int64_t wait = f->until > now ? f->until - now : 0;

	error_set(err, f->class, "agent %s %s: %s", in->agent, what, buf_str(&f->words));
	if (f->class == DROVER_QUOTA)
		wait = wait == 0 ? QUOTA_UNKNOWN_MS : wait < QUOTA_LEAST_MS ? QUOTA_LEAST_MS : wait;
	if (err != NULL)
		err->retry_after_ms = wait;
	return -1;
}

static int
verdict_fail(const struct verdict_input *in, struct error *err)
{
	const struct drover_outcome *o = in->outcome;
	struct buf words = BUF_INIT;
	char how[96], took[32];

	verdict_last_words(&words, in);
	if (o->timed_out)
		snprintf(how, sizeof how, "was stopped: it took longer than %s",
		    units_format_duration(o->wall_ms, took, sizeof took));
	else if (o->signal != 0)
		snprintf(how, sizeof how, "was ended by signal %d (%s)", o->signal,
		    strsignal(o->signal));
	else if (o->status != 0)
		snprintf(how, sizeof how, "ended with status %d", o->status);
	else
		snprintf(how, sizeof how, "says that it failed");
	error_set(err, DROVER_INTERNAL, "agent %s %s%s%s", in->agent, how,
	    words.len > 0 ? ": " : "", buf_str(&words));
	buf_free(&words);
	return -1;
}

/*
 * The agent's own account of the failure, else the last line of stderr, else
 * what it printed last.
 */
static void
verdict_last_words(struct buf *out, const struct verdict_input *in)
{
	const struct agent_reader *r = in->reader;
	const char *texts[] = { buf_str(&r->failure), in->errors, buf_str(&r->words),
		buf_str(&r->text) };
	size_t i, len;
	const char *line;

	for (i = 0; i < sizeof texts / sizeof texts[0] && out->len == 0; i++) {
		len = strlen(texts[i]);
		while (len > 0 && strchr(" \t\r\n", texts[i][len - 1]) != NULL)
			len--;
		line = i == 0 || len == 0 ? NULL : memrchr(texts[i], '\n', len);
		line = line == NULL ? texts[i] : line + 1;
		text_show(out, line, (size_t)(texts[i] + len - line), WORDS_SHOWN);
	}
}

static void
verdict_show(struct buf *out, const char *text)
{
	size_t len = strlen(text);

	while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
		len--;
	buf_clear(out);
	text_show(out, text, len, WORDS_SHOWN);
}

static bool
verdict_ended_well(const struct verdict_input *in)
{
	return in->outcome->status == 0 && !in->outcome->timed_out;
}

static bool
verdict_used_tokens(const struct verdict_input *in)
{
	const struct drover_usage *u = &in->reader->usage;

	return u->input > 0 || u->cached > 0 || u->output > 0;
}
