/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the plugin slack that read and write what Slack speaks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slack.h"

#include "fake_host.h"
#include "suite.h"

START_TEST(a_ts_is_two_numbers)
{
	static const char *const bad[] = { "", "1", "1.5", "1503435956.00024", "1503435956.0002477",
		"x.000000", "1503435956,000247", "-1.000000", "1234567890123.000000",
		"1503435956.000247 " };
	char out[SLACK_TS_MAX];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!ts_valid(bad[i]), "%s", bad[i]);
	ck_assert(ts_valid("1503435956.000247"));
	ck_assert_int_lt(ts_compare("999999999.999999", "1000000000.000000"), 0);
	/*
	 * These two are one number to a float, and to a double that was printed
	 * with %g.
	 */
	ck_assert_int_lt(ts_compare("1503435956.000247", "1503435956.000248"), 0);
	ck_assert_int_eq(ts_compare("1503435956.000247", "1503435956.000247"), 0);
	ck_assert_int_lt(ts_compare("nonsense", "0.000001"), 0);
	ts_before(out, "1503435956.000000");
	ck_assert_str_eq(out, "1503435955.999999");
	ts_earlier(out, "1503435956.000247", 1500);
	ck_assert_str_eq(out, "1503435954.500247");
	ts_earlier(out, "1.000000", 5000);
	ck_assert_str_eq(out, "0.000000");
	ts_from_ms(out, 1503435956001);
	ck_assert_str_eq(out, "1503435956.001000");
	ck_assert_int_eq(ts_to_ms("1503435956.001999"), 1503435956001);
}
END_TEST

START_TEST(slack_text_is_read)
{
	static const struct {
		const char *from, *to;
	} cases[] = {
		{ "<@U0BOT> fix it", "fix it" },
		{ "<@U0BOT|drover>, <@U1> and <@U2|ana> say", ", @U1 and @ana say" },
		{ "in <#C1|web> and <#C2>", "in #web and #C2" },
		{ "<https://a.example/x?a=1&amp;b=2|this> <https://b.example>",
		    "this (https://a.example/x?a=1&b=2) https://b.example" },
		{ "<mailto:a@b.example|a@b.example> <http://c.example|c.example>",
		    "a@b.example c.example" },
		{ "<!here> <!subteam^S1|@devs> <!subteam^S2> <!date^1^{date}|today>",
		    "@here @devs @S2 today" },
		{ "a &lt;b&gt; &amp;amp; &quot;", "a <b> &amp; &quot;" },
		{ "1 < 2", "1 < 2" },
		{ "<", "<" },
		{ "<>", "" },
		{ "<|>x", "x" },
		{ "  \n tidy\xe2\x80\xae\xe2\x80\x8b \n", "tidy" },
	};
	size_t i;
	char *text;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text = mrkdwn_read(cases[i].from, "U0BOT");
		ck_assert_str_eq(text, cases[i].to);
		free(text);
	}
}
END_TEST

START_TEST(a_mention_is_one_that_a_reader_sees)
{
	static const struct {
		const char *text;
		int mentions;
	} cases[] = {
		{ "<@U0BOT> hi", 1 },
		{ "hi <@U0BOT|drover>", 1 },
		{ "<@U0BOTX> hi", 0 },
		{ "@U0BOT", 0 },
		{ "&lt;@U0BOT&gt;", 0 },
		{ "`<@U0BOT>`", 0 },
		{ "```\n<@U0BOT>\n```", 0 },
		{ "```a``` <@U0BOT>", 1 },
		{ "``` <@U0BOT>", 1 },
		{ "`a\n<@U0BOT>`", 1 },
		{ "&gt; <@U0BOT> said", 0 },
		{ "&gt; quote\n<@U0BOT>", 1 },
		{ "&gt;&gt;&gt; all\n<@U0BOT>", 0 },
		{ "a &gt; <@U0BOT>", 1 },
		/* Here CommonMark would have it otherwise. */
		{ "a ```<@U0BOT>``` b", 0 },
		{ "````\n```<@U0BOT>\n````", 1 },
		{ "~~~\n<@U0BOT>\n~~~", 1 },
		{ "a\n\n    <@U0BOT>", 1 },
		{ "\\`<@U0BOT>\\`", 0 },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(mrkdwn_mentions(cases[i].text, "U0BOT") == (cases[i].mentions != 0),
		    "%s", cases[i].text);
	ck_assert(!mrkdwn_mentions("<@> <@|>", ""));
	ck_assert(mrkdwn_calls_anyone("ask <@U1>"));
	ck_assert(mrkdwn_calls_anyone("<!channel> look"));
	ck_assert(mrkdwn_calls_anyone("<!subteam^S1>"));
	ck_assert(
	    !mrkdwn_calls_anyone("see <https://a.example> on <!date^1^{date}|Monday> in <#C1>"));
}
END_TEST

#define BULLET "\xe2\x80\xa2 "
#define ZW     "\xe2\x80\x8b" /* a space of no width */

static const struct {
	const char *from, *to;
} written[] = {
	{ "", "" },
	{ "plain", "plain" },
	{ "a\nb  \nc\\\nd\n\n\ne", "a\nb\nc\nd\n\ne" },
	/* Emphasis */
	{ "**bold** and *it* and ~~no~~", "*bold* and _it_ and ~no~" },
	{ "***both*** **a *b* c** **a __b__ c**", "_*both*_ *a _b_ c* *a b c*" },
	{ "**a\nb** *c*", "*a*\n*b* _c_" },
	{ "2 * 3 * 4, a*b, \\*c\\*", "2 * 3 * 4, a*b, *c*" },
	{ "snake_case __init__ x", "snake_case *init* x" },
	{ "**a `b*` c**", "*a `b*` c*" },
	/* Headings */
	{ "# Title\n## Next ##", "*Title*\n*Next*" },
	{ "# **All** of `it`\ntext", "*All of `it`*\ntext" },
	{ "Title\n===\n\ntext", "*Title*\n\ntext" },
	{ "#hash", "#hash" },
	/* Lists */
	{ "- one\n  * two\n+ three", BULLET "one\n  " BULLET "two\n" BULLET "three" },
	{ "3. a\n4. b\n\n   more\n", "3. a\n4. b\n\n   more" },
	{ "1) - a\n     b\n2) c", "1) " BULLET "a\n     b\n2) c" },
	{ "-\n- [ ] b", BULLET "\n" BULLET "[ ] b" },
	{ "a\n\n- b\n- c\n\nd", "a\n\n" BULLET "b\n" BULLET "c\n\nd" },
	/* Quotes */
	{ "> a\nb\n\nc", "&gt; a\n&gt; b\n\nc" },
	{ "> a\n>\n> > b", "&gt; a\n&gt; \n&gt; b" },
	{ "> - a\n>   b", "&gt; " BULLET "a\n&gt;   b" },
	{ "- > a", "&gt; " BULLET "a" },
	{ "> ```\n> a  b\n> ```\n> c", "```\na  b\n```\n&gt; c" },
	/* Links */
	{ "[text](https://a.example/?a=1&b=2)", "<https://a.example/?a=1&amp;b=2|text>" },
	{ "[a **b** `c` < d](http://x)", "<http://x|a b c &lt; d>" },
	{ "**[a\nb](http://x)**", "*<http://x|a b>*" },
	{ "[a|b](http://x)", "a|b <http://x>" },
	{ "[a][1]\n\n[1]: http://x 'title'", "<http://x|a>" },
	{ "[x](javascript:alert) [y](https://a|b) [z]",
	    "[x](javascript:alert) [y](https://a|b) [z]" },
	{ "[`f.c`](src/f.c) **[g](#g)**", "[`f.c`](src/f.c) *[g](#g)*" },
	{ "![](https://a.example/i.png)", "<https://a.example/i.png>" },
	{ "[![alt](http://i)](http://x) ![alt](i.png)", "<http://x|alt> ![alt](i.png)" },
	{ "https://a.example/a_b_c*d*?x=1&y <http://b> <a@b.example> <ftp://c>",
	    "<https://a.example/a_b_c*d*?x=1&amp;y> <http://b> <mailto:a@b.example|a@b.example> "
	    "ftp://c" },
	/* Code within a line */
	{ "`**code** <b>` `<@U1>`", "`**code** &lt;b&gt;` `&lt;@U1&gt;`" },
	{ "``a`b`` `` ` `` ``` `` ```", "```a`b``` ``` ` ``` ``` `` ```" },
	{ "```` a```b ````", "```a``" ZW "`b```" },
	{ "`a\nb`", "`a b`" },
	/* Blocks of code */
	{ "```c\nif (a < b && **p)\n```\nend", "```\nif (a &lt; b &amp;&amp; **p)\n```\nend" },
	{ "~~~\n# a\n~~~", "```\n# a\n```" },
	{ "````md\n```\na\n```\n````\nb", "```\n``" ZW "`\na\n``" ZW "`\n```\nb" },
	{ "a\n\n    if x:\n        *y*\n\nb", "a\n\n```\nif x:\n    *y*\n```\n\nb" },
	{ "- a\n  ```sh\n  b\n    c\n  ```\n- d", BULLET "a\n```\nb\n  c\n```\n" BULLET "d" },
	{ "- ```\n  a\n  ```", BULLET "\n```\na\n```" },
	{ "```\nopen", "```\nopen\n```" },
	{ "```\n```\na", "```\n```\na" },
	{ "a ``` b", "a ``" ZW "` b" },
	/* What Slack has no sign for */
	{ "| a | *b* |\n|---|---|\n| `c` | d\\|e |\n\nf", "*a* | *_b_*\n`c` | d|e\n\nf" },
	{ "a\n\n***\nb", "a\n\n---\nb" },
	{ "<div>\na *b*\n</div>\n\nc <b>d</b>",
	    "&lt;div&gt;\na *b*\n&lt;/div&gt;\n\nc &lt;b&gt;d&lt;/b&gt;" },
	/* Nothing calls anyone. */
	{ "<!channel> <@U1> @here &amp; &lt;!here&gt;",
	    "&lt;!channel&gt; &lt;@U1&gt; @here &amp; &lt;!here&gt;" },
	{ "[<@U1>](http://x) [a](<http://x|<!here>>)",
	    "<http://x|&lt;@U1&gt;> [a](&lt;http://x|&lt;!here&gt;&gt;)" },
	{ "**<@U1>** ~~<!here>~~", "*&lt;@U1&gt;* ~&lt;!here&gt;~" },
};

START_TEST(markdown_becomes_mrkdwn)
{
	char *text = mrkdwn_write(NULL, written[_i].from, 3900);

	ck_assert_str_eq(text, written[_i].to);
	free(text);
}
END_TEST

/* Wherever the text is cut, no sign stays open and no entity is halved. */
START_TEST(a_cut_closes_what_is_open)
{
	static const char markdown[] =
	    "# A heading & more\n\n> - **bold *it ~~no `co & de` no~~ it* bold** "
	    "[a link](https://a.example) ``a`b``\n\n```\ncode < code\n```\n\n"
	    "a tail that is long enough to be cut as well, since the note needs some room";
	char *whole = mrkdwn_write(NULL, markdown, 3900), *text, *note;
	size_t max, i, signs[128], entities;

	for (max = 60; max < strlen(whole); max++) {
		text = mrkdwn_write(NULL, markdown, max);
		ck_assert_uint_le(strlen(text), max);
		note = strstr(text, "\n_(cut: the whole text is with the job)_");
		ck_assert_ptr_nonnull(note);
		*note = '\0';
		memset(signs, 0, sizeof(signs));
		for (i = entities = 0; text[i] != '\0'; i++) {
			signs[text[i] & 0x7f]++;
			entities += strncmp(text + i, "&amp;", 5) == 0 ||
			    strncmp(text + i, "&lt;", 4) == 0 || strncmp(text + i, "&gt;", 4) == 0;
		}
		ck_assert_msg(signs['*'] % 2 == 0 && signs['_'] % 2 == 0 && signs['~'] % 2 == 0 &&
			signs['<'] == signs['>'] && signs['&'] == entities,
		    "%s", text);
		ck_assert_msg(signs['`'] % 2 == (strstr(text, "a`") != NULL), "%s", text);
		free(text);
	}
	free(whole);
}
END_TEST

START_TEST(what_is_nested_too_deeply_is_sent_as_plain_text_and_logged)
{
	struct fake *fake = fake_new();
	char from[500], to[2000] = "", *text;
	size_t i;

	for (i = 0; i < 200; i++) {
		from[i] = '>';
		strcat(to, "&gt;");
	}
	strcpy(from + i, " **a**\n<!here> ```");
	strcat(to, " **a**\n&lt;!here&gt; ``" ZW "`");
	for (i = 0; i < 2; i++) {
		text = mrkdwn_write(&fake->scope, from, 3900);
		ck_assert_str_eq(text, to);
		free(text);
	}
	ck_assert_ptr_nonnull(strstr(fake->log, "a text of 218 bytes is nested too deeply"));
	ck_assert_ptr_eq(strchr(fake->log, '\n') + 1, strchr(fake->log, '\0'));
	fake_free(fake);
}
END_TEST

START_TEST(long_answers_are_cut_with_a_note)
{
	char *long_text = malloc(20001), *text;
	size_t max, i;

	for (i = 0; i < 20000; i++)
		long_text[i] = i % 80 == 79 ? '\n' : i % 7 == 0 ? '&' : 'a';
	memcpy(long_text, "```\n", 4);
	long_text[20000] = '\0';
	for (max = 200; max < 4000; max += 37) {
		text = mrkdwn_write(NULL, long_text, max);
		ck_assert_uint_le(strlen(text), max);
		ck_assert_uint_gt(strlen(text), max - 60);
		ck_assert_ptr_nonnull(strstr(text, "\n```\n_(cut"));
		free(text);
	}
	memset(long_text, 'x', 3900);
	long_text[3900] = '\0';
	text = mrkdwn_write(NULL, long_text, 3900);
	ck_assert_int_eq(strcmp(text, long_text), 0);
	free(text);
	free(long_text);
}
END_TEST

/*
 * What the hook makes of a body that is no JSON: PERMANENT where it is proven.
 */
static int
deliver(const char *secret, const char *ts, const char *body, size_t len, const char *signature,
    int64_t now)
{
	const struct drover_field headers[] = { { "x-slack-request-timestamp", ts },
		{ "x-slack-signature", signature } };
	struct drover_delivery delivery = { .size = sizeof(delivery),
		.body = body,
		.body_len = len,
		.headers = headers,
		.headers_len = 2 };
	struct drover_receipt receipt = { .size = sizeof(receipt) };
	struct drover_error err = { 0 };
	struct fake *fake = fake_new();
	int code;

	fake->wall = now;
	fake_secret(fake, "signing_secret", secret);
	code = slack_hook(&fake->scope, NULL, &delivery, &receipt, &err);
	fake_free(fake);
	return code;
}

START_TEST(signatures)
{
	/* The example that Slack's documentation gives a secret for. */
	static const char secret[] = "8f742231b10e8888abcd99yyyzzz85a5", ts[] = "1531420618",
			  body[] = "token=x&team_id=T1",
			  good[] =
			      "v0=ee1a198e50481730009ed1fa99d3f2d9cc2ef6ebdfc11672345c4cbcf915c217";
	int64_t at = INT64_C(1531420618) * 1000;
	size_t len = strlen(body);

	ck_assert_int_eq(deliver(secret, ts, body, len, good, at), DROVER_PERMANENT);
	ck_assert_int_eq(deliver(secret, ts, body, len, good, at + 300000), DROVER_PERMANENT);
	ck_assert_int_eq(deliver(secret, ts, body, len, good, at - 300000), DROVER_PERMANENT);
	ck_assert_int_eq(deliver(secret, ts, body, len, good, at + 301000), DROVER_AUTH);
	ck_assert_int_eq(deliver(secret, ts, body, len, good, at - 301000), DROVER_AUTH);
	ck_assert_int_eq(deliver(secret, ts, body, len - 1, good, at), DROVER_AUTH);
	ck_assert_int_eq(deliver("", ts, body, len, good, at), DROVER_AUTH);
	ck_assert_int_eq(deliver(secret, "", body, len, good, at), DROVER_AUTH);
	ck_assert_int_eq(deliver(secret, "1531420618x", body, len, good, at), DROVER_AUTH);
	ck_assert_int_eq(deliver(secret, ts, body, len, "", at), DROVER_AUTH);
	ck_assert_int_eq(deliver(secret, ts, body, len, good + 3, at), DROVER_AUTH);
}
END_TEST

static enum envelope
envelope(const char *text, char id[64], struct hint *hint)
{
	return envelope_read(text, strlen(text), "U0BOT", id, 64, hint);
}

START_TEST(envelopes)
{
	struct hint hint;
	char id[64];

	ck_assert_int_eq(envelope("{\"type\":\"hello\",\"num_connections\":1}", id, &hint),
	    ENVELOPE_HELLO);
	ck_assert_str_eq(id, "");
	ck_assert_int_eq(envelope("{\"type\":\"disconnect\",\"reason\":\"warning\"}", id, &hint),
	    ENVELOPE_RENEW);
	ck_assert_int_eq(envelope("{\"type\":\"disconnect\",\"reason\":\"refresh_requested\"}", id,
			     &hint),
	    ENVELOPE_RENEW);
	ck_assert_int_eq(envelope("{\"type\":\"disconnect\",\"reason\":\"link_disabled\"}", id,
			     &hint),
	    ENVELOPE_DISABLED);
	ck_assert_int_eq(envelope("{\"type\":\"slash_commands\",\"envelope_id\":\"a-1\"}", id,
			     &hint),
	    ENVELOPE_IGNORE);
	ck_assert_str_eq(id, "a-1");
	ck_assert_int_eq(envelope("garbage", id, &hint), ENVELOPE_IGNORE);
	ck_assert_int_eq(envelope("[]", id, &hint), ENVELOPE_IGNORE);
	ck_assert_int_eq(envelope("{\"type\":\"slash_commands\",\"envelope_id\":\"a\\\",\\\"x\"}",
			     id, &hint),
	    ENVELOPE_IGNORE);
	ck_assert_str_eq(id, "");

	ck_assert_int_eq(envelope("{\"type\":\"events_api\",\"envelope_id\":\"e1\",\"payload\":{"
				  "\"event\":{\"type\":\"app_mention\",\"user\":\"U1\","
				  "\"text\":\"<@U0BOT> "
				  "hi\",\"ts\":\"1700000000.000100\",\"channel\":\"C1\"}}}",
			     id, &hint),
	    ENVELOPE_EVENT);
	ck_assert_str_eq(id, "e1");
	ck_assert_str_eq(hint.channel, "C1");
	ck_assert_str_eq(hint.thread, "1700000000.000100");
	ck_assert(hint.mention);
	/*
	 * A reply may follow up; a message to nobody, one of a bot and an edit
	 * are for nobody.
	 */
	envelope("{\"type\":\"events_api\",\"payload\":{\"event\":{\"type\":\"message\",\"user\":"
		 "\"U1\",\"text\":\"hi\",\"ts\":\"1700000000.000200\","
		 "\"thread_ts\":\"1700000000.000100\",\"channel\":\"C1\"}}}",
	    id, &hint);
	ck_assert_str_eq(hint.channel, "C1");
	ck_assert(!hint.mention);
	envelope("{\"type\":\"events_api\",\"payload\":{\"event\":{\"type\":\"message\",\"user\":"
		 "\"U1\",\"text\":\"hi\",\"ts\":\"1700000000.000200\","
		 "\"channel\":\"C1\"}}}",
	    id, &hint);
	ck_assert_str_eq(hint.channel, "");
	envelope("{\"type\":\"events_api\",\"payload\":{\"event\":{\"type\":\"message\",\"user\":"
		 "\"U1\",\"bot_id\":\"B1\",\"text\":\"<@U0BOT>\","
		 "\"ts\":\"1700000000.000200\",\"channel\":\"C1\"}}}",
	    id, &hint);
	ck_assert_str_eq(hint.channel, "");
	envelope("{\"type\":\"events_api\",\"payload\":{\"event\":{\"type\":\"message\","
		 "\"subtype\":\"message_changed\",\"ts\":\"1700000000.000200\","
		 "\"channel\":\"C1\",\"message\":{\"user\":\"U1\",\"text\":\"<@U0BOT>\"}}}}",
	    id, &hint);
	ck_assert_str_eq(hint.channel, "");
}
END_TEST

START_TEST(a_position_is_kept_and_bounded)
{
	static struct position p, q;
	char channel[SLACK_ID_MAX], ts[SLACK_TS_MAX], *text;
	size_t i;

	memset(&p, 0, sizeof(p));
	ck_assert(position_read(&p, ""));
	for (i = 0; i < PLACES_MAX; i++) {
		snprintf(channel, sizeof(channel), "C%030zu", i);
		ts_from_ms(ts, 1700000000000 + (int64_t)i);
		ck_assert_ptr_nonnull(position_place_add(&p, channel, ts));
		snprintf(p.places[i].page, sizeof(p.places[i].page),
		    "bmV4dF90czoxNTEyMDg1ODYxMDAwNTQz");
	}
	ck_assert_ptr_null(position_place_add(&p, "CNEW", "1.000000"));
	for (i = 0; i < THREADS_MAX + 1; i++) {
		ts_from_ms(ts, 1700000000000 + (int64_t)i);
		position_thread_add(&p, "C1", ts, ts, 1700000000000 + (int64_t)i);
	}
	ck_assert_uint_eq(p.threads_len, THREADS_MAX);
	ck_assert_ptr_null(position_thread(&p, "C1", "1700000000.000000"));
	for (i = 0; i < SEEN_MAX; i++) {
		ts_from_ms(ts, 1700000000000 + (int64_t)i);
		ck_assert(position_seen_add(&p, "C1", ts, ""));
	}
	ck_assert(!position_seen_add(&p, "C1", "1.000000", ""));
	ck_assert(position_seen_add(&p, "C1", ts, "1700000099.000000"));
	text = position_write(&p);
	ck_assert_uint_lt(strlen(text), DROVER_VALUE_MAX);
	ck_assert(position_read(&q, text));
	ck_assert_uint_eq(q.places_len, PLACES_MAX);
	ck_assert_uint_eq(q.threads_len, p.threads_len);
	ck_assert_str_eq(q.places[7].page, p.places[7].page);
	ck_assert_str_eq(position_seen(&q, "C1", ts)->edited, "1700000099.000000");
	free(text);
	/* What no look comes back to is forgotten. */
	position_tidy(&q, 1700000000000 + 15 * 24 * SLACK_HOUR, 300000);
	ck_assert_uint_eq(q.threads_len, 0);
	ck_assert_uint_eq(q.seen_len, 0);
}
END_TEST

START_TEST(other_cursors_begin_anew)
{
	static const char *const bad[] = { "x", "[]", "{}", "{\"channels\":[],\"threads\":[]}",
		"{\"channels\":[[\"C1\"]],\"threads\":[],\"seen\":[]}",
		"{\"channels\":[[\"c1\",\"1.000000\",\"1.000000\",\"\",\"\"]],\"threads\":[],"
		"\"seen\":[]}",
		"{\"channels\":[],\"threads\":[[\"C1\",\"1.000000\",\"1.000000\",1e99,\"\"]],"
		"\"seen\":[]}",
		"{\"channels\":[],\"threads\":[],\"seen\":[[\"C1\",\"1.0\",\"\"]]}" };
	static struct position p;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(!position_read(&p, bad[i]), "%s", bad[i]);
		ck_assert_uint_eq(p.places_len + p.threads_len + p.seen_len, 0);
	}
}
END_TEST

static void
judge(const char *method, int status, const char *body, struct judged *j,
    struct drover_http_verdict *v)
{
	struct drover_http_response response = { .size = sizeof(response),
		.status = status,
		.body = body,
		.body_len = strlen(body) };

	memset(j, 0, sizeof(*j));
	memset(v, 0, sizeof(*v));
	v->size = sizeof(*v);
	v->code = status >= 500 ? DROVER_AGAIN : status == 429 ? DROVER_QUOTA : 0;
	j->method = method_find(method);
	ck_assert_ptr_nonnull(j->method);
	j->limit = method;
	judge_answer(j, NULL, &response, v);
}

START_TEST(failures_have_their_class)
{
	static const struct {
		const char *error;
		int class;
	} cases[] = {
		{ "invalid_auth", DROVER_AUTH },
		{ "token_revoked", DROVER_AUTH },
		{ "account_inactive", DROVER_AUTH },
		{ "missing_scope", DROVER_CONFIG },
		{ "ratelimited", DROVER_QUOTA },
		{ "channel_not_found", DROVER_PERMANENT },
		{ "not_in_channel", DROVER_PERMANENT },
		{ "is_archived", DROVER_PERMANENT },
		{ "internal_error", DROVER_AGAIN },
		{ "fatal_error", DROVER_AGAIN },
		{ "service_unavailable", DROVER_AGAIN },
		{ "never_heard_of_it", DROVER_PERMANENT },
	};
	struct drover_http_verdict v;
	struct judged j;
	char body[128];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(body, sizeof(body), "{\"ok\":false,\"error\":\"%s\"}", cases[i].error);
		judge("conversations.history", 200, body, &j, &v);
		ck_assert_msg(v.code == cases[i].class, "%s: %d", cases[i].error, v.code);
		ck_assert_ptr_nonnull(strstr(v.text, cases[i].error));
		ck_assert_str_eq(j.error, cases[i].error);
	}
	judge("users.info", 200,
	    "{\"ok\":false,\"error\":\"missing_scope\",\"needed\":\"users:read\",\"provided\":"
	    "\"chat:write\"}",
	    &j, &v);
	ck_assert_str_eq(v.text,
	    "missing_scope: needs users:read, the token has chat:write: add the scope to the app "
	    "and install it again");
	judge("users.info", 429, "", &j, &v);
	ck_assert_int_eq(v.code, DROVER_QUOTA);
	ck_assert_str_eq(v.limit, "users.info");
	judge("users.info", 200, "{\"ok\":false,\"error\":\"ratelimited\"}", &j, &v);
	ck_assert_int_gt(v.retry_after_ms, 0);
	judge("reactions.add", 200, "{\"ok\":false,\"error\":\"already_reacted\"}", &j, &v);
	ck_assert_int_eq(v.code, 0);
	judge("reactions.remove", 200, "{\"ok\":false,\"error\":\"no_reaction\"}", &j, &v);
	ck_assert_int_eq(v.code, 0);
	judge("reactions.remove", 200, "{\"ok\":false,\"error\":\"already_reacted\"}", &j, &v);
	ck_assert_int_eq(v.code, DROVER_PERMANENT);
	judge("auth.test", 200, "{\"ok\":true,\"user\":\"x\"}", &j, &v);
	ck_assert_int_eq(v.code, 0);
	judge("auth.test", 200, "{ \"user\": \"x\", \"ok\": true }", &j, &v);
	ck_assert_int_eq(v.code, 0);
	judge("auth.test", 200, "<html>", &j, &v);
	ck_assert_int_eq(v.code, 0);
}
END_TEST

START_TEST(what_may_have_been_posted_is_not_posted_again_by_the_host)
{
	struct drover_http_verdict v;
	struct judged j;

	judge("chat.postMessage", 200, "{\"ok\":false,\"error\":\"fatal_error\"}", &j, &v);
	ck_assert_int_eq(v.code, DROVER_INTERNAL);
	ck_assert(j.unsure);
	judge("chat.postMessage", 503, "busy", &j, &v);
	ck_assert_int_eq(v.code, DROVER_INTERNAL);
	judge("chat.postMessage", 429, "", &j, &v);
	ck_assert_int_eq(v.code, DROVER_QUOTA);
	ck_assert(!j.unsure);
	judge("chat.update", 200, "{\"ok\":false,\"error\":\"fatal_error\"}", &j, &v);
	ck_assert_int_eq(v.code, DROVER_AGAIN);
}
END_TEST

START_TEST(payloads)
{
	char words[] = "fix\nit \xf0\x9f\x90\x84";
	struct payload p = { .channel = "C1",
		.ts = "1700000000.000100",
		.thread = "1700000000.000100",
		.user = "U1",
		.name = "Ana \"A\"",
		.repo = "web",
		.text = words,
		.follow_up = true },
		       q;
	struct drover_error err;
	char *text = payload_write(&p);
	size_t len = strlen(text), i;

	ck_assert_int_eq(payload_read(&q, text, len, &err), 0);
	ck_assert_str_eq(q.text, p.text);
	ck_assert_str_eq(q.name, p.name);
	ck_assert_str_eq(q.repo, "web");
	ck_assert(q.follow_up);
	payload_free(&q);
	for (i = 0; i < len; i++) {
		ck_assert_int_eq(payload_read(&q, text, i, &err), DROVER_PERMANENT);
		ck_assert_uint_gt(strlen(err.text), 0);
	}
	ck_assert_int_eq(payload_read(&q, "{\"channel\":\"../x\",\"ts\":\"1.000000\"}", 34, &err),
	    DROVER_PERMANENT);
	free(text);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *t = suite_case(suite, "all", NULL, NULL);

	tcase_add_test(t, a_ts_is_two_numbers);
	tcase_add_test(t, slack_text_is_read);
	tcase_add_test(t, a_mention_is_one_that_a_reader_sees);
	tcase_add_loop_test(t, markdown_becomes_mrkdwn, 0, ARRAY_LEN(written));
	tcase_add_test(t, a_cut_closes_what_is_open);
	tcase_add_test(t, what_is_nested_too_deeply_is_sent_as_plain_text_and_logged);
	tcase_add_test(t, long_answers_are_cut_with_a_note);
	tcase_add_test(t, signatures);
	tcase_add_test(t, envelopes);
	tcase_add_test(t, a_position_is_kept_and_bounded);
	tcase_add_test(t, other_cursors_begin_anew);
	tcase_add_test(t, failures_have_their_class);
	tcase_add_test(t, what_may_have_been_posted_is_not_posted_again_by_the_host);
	tcase_add_test(t, payloads);
}

SUITE(cases)
