/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The source slack.mention: what becomes a job, what does not, and what is
 * never lost.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slack_kit.h"
#include "suite.h"

#define TS(s) kit_text("%" PRId64 ".000100", T0 / 1000 + (s))

static struct kit kit;
static struct fake *fake;

static void
open_with(const char *const *options)
{
	kit_open(&kit, options);
	fake = kit.fake;
}

static void
setup(void)
{
	open_with(NULL);
}

static void
teardown(void)
{
	kit_close(&kit);
}

static int
asked(const char *path)
{
	return fake_requests(fake, "GET", path);
}

START_TEST(a_mention_becomes_a_job)
{
	struct fake_item *item = &fake->emitted[0];

	kit_history(&kit, "C1",
	    kit_text("%s,%s", kit_message(&kit, "U1", 10, "nothing for a bot", NULL),
		kit_message(&kit, "U1", 5, "<@U0BOT> why is &lt;b&gt; bold?", NULL)));
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_int_eq(fake->njobs, 1);
	ck_assert_str_eq(item->kind, "slack.mention");
	ck_assert_str_eq(item->key, kit_text("slack/C1/%s", TS(5)));
	ck_assert_str_eq(item->serial, kit_text("slack/C1/%s", TS(5)));
	ck_assert_str_eq(item->title, "why is <b> bold?");
	ck_assert_str_eq(item->repo, "web");
	ck_assert_str_eq(item->author, "U1");
	ck_assert_str_eq(item->marks, "workspace\n");
	ck_assert_ptr_nonnull(strstr(item->payload, "\"name\":\"Ana\""));
	ck_assert_ptr_nonnull(strstr(item->payload, "\"text\":\"why is <b> bold?\""));
	/* The token goes into its header and nowhere else. */
	ck_assert_ptr_nonnull(strstr(fake_request(fake, "POST", "/auth.test", 0)->headers,
	    "Authorization: Bearer xoxb-secret"));
	ck_assert_ptr_null(
	    strstr(fake_request(fake, "GET", "/conversations.history", 0)->path, "xoxb"));

	/* The same messages again are the same job, also when it has ended. */
	fake->jobs[0].state = FAKE_SETTLED;
	kit_history(&kit, "C1",
	    kit_message(&kit, "U1", 5, "<@U0BOT> why is &lt;b&gt; bold?", NULL));
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_int_eq(fake->nemitted, 0);
	ck_assert_ptr_nonnull(strstr(fake_request(fake, "GET", "/conversations.history", 1)->path,
	    kit_text("oldest=%" PRId64 ".000100", T0 / 1000 + 10 - 300)));

	/* What no look comes back to is forgotten. */
	ck_assert_ptr_nonnull(
	    strstr(fake->kept_cursor, kit_text("\"seen\":[[\"C1\",\"%s\"", TS(5))));
	fake_serve(fake, "GET", "/conversations.replies", 200, NULL,
	    "{\"ok\":true,\"messages\":[]}");
	fake->wall += 7200000;
	kit_history(&kit, "C1", kit_message(&kit, "U1", 7000, "nothing", NULL));
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_ptr_nonnull(strstr(fake->kept_cursor, "\"seen\":[]"));
}
END_TEST

START_TEST(what_is_not_a_request)
{
	static const struct {
		const char *user, *text, *more;
	} cases[] = {
		{ "U0BOT", "<@U0BOT> me", NULL },
		{ "USLACKBOT", "<@U0BOT> hi", NULL },
		{ "U1", "<@U0BOT> hi", ",\"bot_id\":\"B7\"" },
		{ "U1", "<@U0BOT> has joined", ",\"subtype\":\"channel_join\"" },
		{ "U1", "<@U0BOT> hi", ",\"subtype\":\"bot_message\"" },
		{ "U1", "<@U0BOT> hi", ",\"subtype\":\"message_changed\"" },
		{ "U1", "`<@U0BOT>` hi", NULL },
		{ "U1", "&gt; <@U0BOT> hi", NULL },
		{ "U1", "<@U0BOTX> hi", NULL },
		{ "U1", "hi", NULL },
		{ "", "<@U0BOT> hi", NULL },
		{ "U3", "<@U0BOT> hi", NULL },
		{ "U1", "<@U0BOT> hi",
		    ",\"reactions\":[{\"name\":\"eyes\",\"users\":[\"U2\",\"U0BOT\"]}]" },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		kit_history(&kit, "C1",
		    kit_message(&kit, cases[i].user, (int)i, cases[i].text, cases[i].more));
		ck_assert_int_eq(kit_poll(&kit), 0);
		ck_assert_msg(fake->nemitted == 0, "%s", cases[i].text);
	}
}
END_TEST

START_TEST(a_stranger_is_left_to_the_core)
{
	kit_history(&kit, "C1", kit_message(&kit, "U2", 5, "<@U0BOT> rm -rf", NULL));
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_int_eq(fake->nemitted, 1);
	ck_assert_str_eq(fake->emitted[0].author, "U2");
	ck_assert_str_eq(fake->emitted[0].marks, "");
	/* It is said once, and the thread does not become ours. */
	kit_history(&kit, "C1", kit_message(&kit, "U2", 5, "<@U0BOT> rm -rf", NULL));
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_int_eq(fake->nemitted, 0);
	ck_assert_int_eq(asked("/conversations.replies"), 0);
}
END_TEST

START_TEST(strangers_do_not_fill_the_cursor)
{
	char *all = calloc(1, 100000);
	size_t used = 0;
	int i;

	for (i = 0; i < 250; i++)
		used += (size_t)snprintf(all + used, 100000 - used,
		    "{\"user\":\"U2\",\"ts\":\"%" PRId64 ".000100\",\"text\":\"<@U0BOT>\"},",
		    T0 / 1000 + i);
	snprintf(all + used, 100000 - used, "%s",
	    kit_message(&kit, "U1", 260, "<@U0BOT> me", NULL));
	fake->wall += 300000;
	kit_history(&kit, "C1", all);
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_int_eq(fake->nemitted, 101);
	ck_assert_str_eq(fake->emitted[100].author, "U1");
	free(all);
}
END_TEST

START_TEST(capacity_leaves_the_rest_for_later)
{
	const char *all = kit_text("%s,%s,%s,%s", kit_message(&kit, "U1", 800, "nothing", NULL),
	    kit_message(&kit, "U1", 400, "<@U0BOT> three", NULL),
	    kit_message(&kit, "U1", 20, "<@U0BOT> two", NULL),
	    kit_message(&kit, "U1", 10, "<@U0BOT> one", NULL));

	/* Further apart than the overlap is long. */
	fake->wall += 800000;
	fake_serve(fake, "GET", "/conversations.replies", 200, NULL,
	    "{\"ok\":true,\"messages\":[]}");
	fake->available = 1;
	kit_history(&kit, "C1", all);
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_int_eq(fake->nemitted, 1);
	ck_assert_str_eq(fake->emitted[0].title, "one");
	fake->available = 0;
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_int_eq(asked("/conversations.history"), 1);
	fake->available = 1;
	kit_history(&kit, "C1", all);
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_str_eq(fake->emitted[0].title, "two");
	kit_history(&kit, "C1", all);
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_str_eq(fake->emitted[0].title, "three");
	kit_history(&kit, "C1", all);
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_int_eq(fake->nemitted, 0);
	ck_assert_int_eq(fake->njobs, 3);
}
END_TEST

START_TEST(all_pages_are_read_also_behind_an_empty_one)
{
	fake_answer(fake, "GET", "/conversations.history?channel=C1&", 200, NULL,
	    kit_text("{\"ok\":true,\"messages\":[%s],\"has_more\":true,\"response_metadata\":{"
		     "\"next_cursor\":\"bmV4=\"}}",
		kit_message(&kit, "U1", 20, "<@U0BOT> two", NULL)));
	fake_answer(fake, "GET", "/conversations.history?channel=C1&", 200, NULL,
	    "{\"ok\":true,\"messages\":[],\"has_more\":true,\"response_metadata\":{\"next_cursor\":"
	    "\"bmV5=\"}}");
	kit_history(&kit, "C1", kit_message(&kit, "U1", 10, "<@U0BOT> one", NULL));
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_int_eq(fake->nemitted, 2);
	ck_assert_str_eq(fake->emitted[0].title, "one");
	ck_assert_ptr_nonnull(
	    strstr(fake_request(fake, "GET", "/conversations.history", 1)->path, "cursor=bmV4%3D"));
	ck_assert_ptr_nonnull(
	    strstr(fake_request(fake, "GET", "/conversations.history", 2)->path, "cursor=bmV5%3D"));
}
END_TEST

START_TEST(one_bad_channel_blinds_no_other)
{
	static const char *const errors[] = { "channel_not_found", "not_in_channel", "is_archived",
		"missing_scope" };
	static const char *const options[] = { "channels", "C2", "channels", "C1", NULL };
	size_t i;

	teardown();
	open_with(options);
	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		fake_answer(fake, "GET", "/conversations.history?channel=C2&", 200, NULL,
		    kit_text("{\"ok\":false,\"error\":\"%s\"}", errors[i]));
		kit_history(&kit, "C1", kit_message(&kit, "U1", (int)i, "<@U0BOT> hi", NULL));
		ck_assert_int_eq(kit_poll(&kit), 0);
		ck_assert_msg(fake->nemitted == 1, "%s", errors[i]);
		ck_assert_ptr_nonnull(strstr(fake->log, errors[i]));
	}
	/* Told once. */
	fake->log[0] = '\0';
	fake_answer(fake, "GET", "/conversations.history?channel=C2&", 200, NULL,
	    "{\"ok\":false,\"error\":\"not_in_channel\"}");
	kit_history(&kit, "C1", "");
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_ptr_null(strstr(fake->log, "not_in_channel"));
	/* All bad is a fault of the configuration. */
	fake_answer(fake, "GET", "/conversations.history?channel=C2&", 200, NULL,
	    "{\"ok\":false,\"error\":\"not_in_channel\"}");
	fake_answer(fake, "GET", "/conversations.history?channel=C1&", 200, NULL,
	    "{\"ok\":false,\"error\":\"not_in_channel\"}");
	ck_assert_int_eq(kit_poll(&kit), DROVER_CONFIG);
	ck_assert_ptr_nonnull(strstr(kit.err.text, "not_in_channel"));
}
END_TEST

START_TEST(a_limit_ends_the_look_and_keeps_what_was_found)
{
	static const char *const options[] = { "channels", "C1", "channels", "C2", "channels", "C3",
		NULL };

	teardown();
	open_with(options);
	kit_history(&kit, "C1", kit_message(&kit, "U1", 5, "<@U0BOT> one", NULL));
	fake_answer(fake, "GET", "/conversations.history?channel=C2&", 429, "Retry-After: 30", "");
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_int_eq(fake->nemitted, 1);
	/* The next look begins where this one stopped. */
	kit_history(&kit, "C2", kit_message(&kit, "U1", 5, "<@U0BOT> two", NULL));
	kit_history(&kit, "C3", "");
	kit_history(&kit, "C1", "");
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_str_eq(fake->emitted[0].title, "two");
	ck_assert_ptr_nonnull(
	    strstr(fake_request(fake, "GET", "/conversations.history", 2)->path, "channel=C2"));
	/* With nothing at all the class goes up, with the time to wait. */
	fake_answer(fake, "GET", "/conversations.history?channel=C2&", 429, "Retry-After: 30", "");
	fake_serve(fake, "GET", "/conversations.history", 429, "Retry-After: 30", "");
	ck_assert_int_eq(kit_poll(&kit), DROVER_QUOTA);
	ck_assert_int_eq(fake->nemitted, 0);
}
END_TEST

START_TEST(failures_lose_nothing)
{
	static const struct {
		int status, class;
		const char *body;
	} cases[] = {
		{ 0, DROVER_AGAIN, "" },
		{ 200, DROVER_AGAIN, "<html>login</html>" },
		{ 200, DROVER_AGAIN, "{\"ok\":true,\"messages\":[{\"ts\":" },
		{ 200, DROVER_AGAIN, "{\"ok\":true}" },
		{ 200, DROVER_AGAIN, "{}" },
		{ 200, DROVER_AUTH, "{\"ok\":false,\"error\":\"token_revoked\"}" },
		{ 503, DROVER_AGAIN, "busy" },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake_answer(fake, "GET", "/conversations.history", cases[i].status, NULL,
		    cases[i].body);
		ck_assert_int_eq(kit_poll(&kit), cases[i].class);
		ck_assert_uint_gt(strlen(kit.err.text), 0);
		ck_assert_str_eq(fake->kept_cursor, "");
	}
	kit_history(&kit, "C1", kit_message(&kit, "U1", 5, "<@U0BOT> one", NULL));
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_int_eq(fake->nemitted, 1);
	/* Who somebody is cannot be asked: the message waits. */
	fake->wall += 3600000;
	fake_answer(fake, "GET", "/users.info?user=U1", 0, NULL, "");
	kit_history(&kit, "C1", kit_message(&kit, "U1", 3700, "<@U0BOT> two", NULL));
	kit_replies(&kit, "C1", TS(5), "");
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_int_eq(fake->nemitted, 0);
	kit_history(&kit, "C1", kit_message(&kit, "U1", 3700, "<@U0BOT> two", NULL));
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_int_eq(fake->nemitted, 1);
}
END_TEST

START_TEST(follow_ups_need_no_mention)
{
	const char *in = kit_text(",\"thread_ts\":\"%s\"", TS(5)),
		   *parent = kit_message(&kit, "U1", 5, "<@U0BOT> fix it in web", in);

	kit_history(&kit, "C1", kit_message(&kit, "U1", 5, "<@U0BOT> fix it in web", NULL));
	ck_assert_int_eq(kit_poll(&kit), 0);
	kit_history(&kit, "C1",
	    kit_message(&kit, "U1", 5, "<@U0BOT> fix it in web",
		kit_text(",\"latest_reply\":\"%s\"", TS(60))));
	kit_replies(&kit, "C1", TS(5),
	    kit_text("%s,%s,%s,%s,%s", parent, kit_message(&kit, "U0BOT", 20, "On it", in),
		kit_message(&kit, "U1", 30, "and the tests", in),
		kit_message(&kit, "U1", 40, "<@U2> what do you think?", in),
		kit_message(&kit, "U2", 60, "me too", in)));
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_int_eq(fake->nemitted, 1);
	ck_assert_str_eq(fake->emitted[0].title, "and the tests");
	ck_assert_str_eq(fake->emitted[0].serial, kit_text("slack/C1/%s", TS(5)));
	ck_assert_str_eq(fake->emitted[0].repo, "web");
	ck_assert_ptr_nonnull(strstr(fake->emitted[0].payload, "\"follow_up\":true"));
	ck_assert_ptr_nonnull(strstr(fake_request(fake, "GET", "/conversations.replies", 0)->path,
	    kit_text("oldest=%s", TS(5))));
	/* What was read is not read again. */
	kit_history(&kit, "C1",
	    kit_message(&kit, "U1", 5, "<@U0BOT> fix it in web",
		kit_text(",\"latest_reply\":\"%s\"", TS(60))));
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_int_eq(asked("/conversations.replies"), 1);
}
END_TEST

START_TEST(an_older_thread_is_found_by_its_parent)
{
	static const char *const options[] = { "lookback", "86400000", NULL };
	const char *in, *parent;

	teardown();
	open_with(options);
	in = kit_text(",\"thread_ts\":\"%s\"", TS(-40000));
	parent = kit_message(&kit, "U2", -40000, "hello",
	    kit_text("%s,\"latest_reply\":\"%s\"", in, TS(10)));
	kit_history(&kit, "C1", parent);
	kit_replies(&kit, "C1", TS(-40000),
	    kit_text("%s,%s,%s,%s", parent,
		kit_message(&kit, "U1", -30000, "<@U0BOT> long ago", in),
		kit_message(&kit, "U1", 5, "see <https://a.example>", in),
		kit_message(&kit, "U1", 10, "<@U0BOT> and this?", in)));
	fake->wall += 300000;
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_ptr_nonnull(strstr(fake_request(fake, "GET", "/conversations.history", 0)->path,
	    kit_text("oldest=%" PRId64 ".", (T0 + 330000 - 86400000) / 1000)));
	ck_assert_int_eq(fake->nemitted, 1);
	ck_assert_str_eq(fake->emitted[0].title, "and this?");
	ck_assert_str_eq(fake->emitted[0].serial, kit_text("slack/C1/%s", TS(-40000)));
}
END_TEST

START_TEST(capacity_holds_for_threads_too)
{
	const char *in = kit_text(",\"thread_ts\":\"%s\"", TS(-100)), *parent, *all;

	parent = kit_message(&kit, "U2", -100, "hello",
	    kit_text("%s,\"latest_reply\":\"%s\"", in, TS(20)));
	all = kit_text("%s,%s,%s", parent, kit_message(&kit, "U1", 10, "<@U0BOT> one", in),
	    kit_message(&kit, "U1", 20, "<@U0BOT> two", in));
	fake->available = 1;
	kit_history(&kit, "C1", parent);
	kit_replies(&kit, "C1", TS(-100), all);
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_str_eq(fake->emitted[0].title, "one");
	kit_history(&kit, "C1", parent);
	kit_replies(&kit, "C1", TS(-100), all);
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_int_eq(fake->nemitted, 1);
	ck_assert_str_eq(fake->emitted[0].title, "two");
	kit_history(&kit, "C1", parent);
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_int_eq(fake->nemitted, 0);
}
END_TEST

START_TEST(edits)
{
	const char *edited = kit_text(",\"edited\":{\"user\":\"U1\",\"ts\":\"%s\"}", TS(50));

	/* A mention that an edit brings is new. */
	kit_history(&kit, "C1", kit_message(&kit, "U1", 5, "hello", NULL));
	ck_assert_int_eq(kit_poll(&kit), 0);
	kit_history(&kit, "C1", kit_message(&kit, "U1", 5, "hello <@U0BOT>", edited));
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_int_eq(fake->nemitted, 1);
	ck_assert_str_eq(fake->emitted[0].key, kit_text("slack/C1/%s@%s", TS(5), TS(50)));
	/*
	 * Words that changed before anybody began with them are another
	 * revision, and the job before is told.
	 */
	edited = kit_text(",\"edited\":{\"user\":\"U1\",\"ts\":\"%s\"}", TS(70));
	kit_history(&kit, "C1", kit_message(&kit, "U1", 5, "good day <@U0BOT>", edited));
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_int_eq(fake->nemitted, 1);
	ck_assert_str_eq(fake->emitted[0].key, kit_text("slack/C1/%s@%s", TS(5), TS(70)));
	ck_assert_str_eq(fake_kv(fake, kit_text("edit/C1/%s", TS(5))), TS(70));
	/* Once it was taken they stay as they were. */
	edited = kit_text(",\"edited\":{\"user\":\"U1\",\"ts\":\"%s\"},\"reactions\":[{\"name\":"
			  "\"eyes\",\"users\":[\"U0BOT\"]}]",
	    TS(90));
	kit_history(&kit, "C1", kit_message(&kit, "U1", 5, "good night <@U0BOT>", edited));
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_int_eq(fake->nemitted, 0);
}
END_TEST

START_TEST(which_repo)
{
	static const char *const options[] = { "channel_repos", "C2=api", "channels", "C1",
		"channels", "C2", NULL };
	static const struct {
		const char *channel, *text, *repo;
	} cases[] = {
		{ "C1", "<@U0BOT> repo:api fix it", "api" },
		{ "C1", "<@U0BOT> fix it (repo: `api`).", "api" },
		{ "C1", "<@U0BOT> fix the login in api, please", "api" },
		{ "C1", "<@U0BOT> fix it in the morning", "" },
		{ "C1", "<@U0BOT> api", "api" },
		{ "C1", "<@U0BOT> repo:nope fix it", "" },
		{ "C2", "<@U0BOT> fix it", "api" },
		{ "C2", "<@U0BOT> fix it in web", "web" },
		{ "C2", "<@U0BOT> repo:nope fix it", "" },
	};
	size_t i;

	teardown();
	open_with(options);
	fake_repo(fake, "api", "https://github.example/acme/api.git", "github");
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool first = strcmp(cases[i].channel, "C1") == 0;

		kit_history(&kit, "C1",
		    first ? kit_message(&kit, "U1", (int)i, cases[i].text, NULL) : "");
		kit_history(&kit, "C2",
		    first ? "" : kit_message(&kit, "U1", (int)i, cases[i].text, NULL));
		fake_serve(fake, "GET", "/conversations.replies", 200, NULL,
		    "{\"ok\":true,\"messages\":[]}");
		ck_assert_int_eq(kit_poll(&kit), 0);
		ck_assert_int_eq(fake->nemitted, 1);
		ck_assert_msg(strcmp(fake->emitted[0].repo, cases[i].repo) == 0, "%s: %s",
		    cases[i].text, fake->emitted[0].repo);
	}
	ck_assert_ptr_nonnull(strstr(fake->emitted[0].payload, "\"wrong\":\"nope\""));
}
END_TEST

START_TEST(hints_make_a_short_look)
{
	static const char *const options[] = { "channels", "C1", "channels", "C2", NULL };
	static char before[DROVER_VALUE_MAX];
	const char *in;

	teardown();
	open_with(options);
	/* The channel is read up to long after what the hint will be about. */
	fake->wall += 1000000;
	kit_history(&kit, "C1", "");
	kit_history(&kit, "C2", kit_message(&kit, "U2", 900, "hello", NULL));
	ck_assert_int_eq(kit_poll(&kit), 0);
	memcpy(before, fake->kept_cursor, sizeof(before));
	/*
	 * The way of a hint from hook() is in test_slack_mention.c. Here it
	 * lies in kv already: a mention in an older thread.
	 */
	in = kit_text(",\"thread_ts\":\"%s\"", TS(-5000));
	ck_assert_int_eq(fake->scope.host->kv->set(&fake->scope, "hint/7",
			     kit_text("C2 %s %s m\nC2 %s %s r\n", TS(-5000), TS(40), TS(-9000),
				 TS(41)),
			     &kit.err),
	    0);
	kit_replies(&kit, "C2", TS(-5000),
	    kit_text("%s,%s", kit_message(&kit, "U2", -5000, "hi", in),
		kit_message(&kit, "U1", 40, "<@U0BOT> here", in)));
	fake->monotonic -= 25000;
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_int_eq(fake->nemitted, 1);
	ck_assert_str_eq(fake->emitted[0].title, "here");
	ck_assert_int_eq(asked("/conversations.history"), 2);
	ck_assert_int_eq(asked("/conversations.replies"), 1);
	/*
	 * When the core did not keep what became of it, it is followed again.
	 */
	memcpy(fake->kept_cursor, before, sizeof(before));
	fake->njobs = 0;
	kit_history(&kit, "C1", "");
	kit_history(&kit, "C2", "");
	kit_replies(&kit, "C2", TS(-5000),
	    kit_text("%s,%s", kit_message(&kit, "U2", -5000, "hi", in),
		kit_message(&kit, "U1", 40, "<@U0BOT> here", in)));
	fake->monotonic -= 25000;
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_int_eq(fake->njobs, 1);
	/* A hint is followed once. */
	kit_history(&kit, "C1", "");
	kit_history(&kit, "C2", "");
	fake->monotonic -= 25000;
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_int_eq(fake->nemitted, 0);
	ck_assert_int_eq(asked("/conversations.history"), 6);
	ck_assert_int_eq(asked("/conversations.replies"), 2);
}
END_TEST

START_TEST(one_page_a_minute)
{
	static const char *const options[] = { "channels", "C1", "channels", "C2",
		"history_per_minute", "1", NULL };
	const char *third;

	teardown();
	open_with(options);
	third = kit_message(&kit, "U1", 10, "<@U0BOT> one", NULL);
	fake_serve(fake, "GET", "/conversations.replies", 200, NULL,
	    "{\"ok\":true,\"messages\":[]}");
	fake_answer(fake, "GET", "/conversations.history?channel=C1&", 200, NULL,
	    kit_text("{\"ok\":true,\"messages\":[%s],\"has_more\":true,\"response_metadata\":{"
		     "\"next_cursor\":\"bmV4=\"}}",
		kit_message(&kit, "U1", 20, "<@U0BOT> two", NULL)));
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_int_eq(asked("/conversations.history"), 1);
	ck_assert_ptr_nonnull(
	    strstr(fake_request(fake, "GET", "/conversations.history", 0)->path, "limit=15"));
	ck_assert_int_eq(fake->nemitted, 1);
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_int_eq(asked("/conversations.history"), 1);
	/*
	 * The other channel in its turn, then on with the first one where it
	 * was left.
	 */
	kit_history(&kit, "C2", "");
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_int_eq(asked("/conversations.history?channel=C2"), 1);
	ck_assert_int_eq(kit_poll(&kit), 0);
	kit_history(&kit, "C1", third);
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_ptr_nonnull(
	    strstr(fake_request(fake, "GET", "/conversations.history", 2)->path, "cursor=bmV4%3D"));
	ck_assert_int_eq(fake->nemitted, 1);
	ck_assert_str_eq(fake->emitted[0].title, "one");
	ck_assert_int_eq(fake->njobs, 2);
}
END_TEST

START_TEST(groups_are_asked_for_only_when_authors_name_one)
{
	fake->outside.ntrusted = 0;
	fake_trust(fake, "@devs");
	fake_serve(fake, "GET", "/usergroups.list", 200, NULL,
	    "{\"ok\":true,\"usergroups\":[{\"handle\":\"devs\",\"users\":[\"U1\"]},{\"handle\":"
	    "\"ops\",\"users\":[\"U1\",\"U2\"]}]}");
	kit_history(&kit, "C1",
	    kit_text("%s,%s", kit_message(&kit, "U2", 6, "<@U0BOT> two", NULL),
		kit_message(&kit, "U1", 5, "<@U0BOT> one", NULL)));
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_int_eq(fake->nemitted, 2);
	ck_assert_str_eq(fake->emitted[0].marks, "@devs\n@ops\n");
	ck_assert_str_eq(fake->emitted[1].marks, "@ops\n");
	ck_assert_int_eq(asked("/users.info"), 0);
	ck_assert_int_eq(asked("/usergroups.list"), 1);
}
END_TEST

START_TEST(a_missing_scope_makes_nobody_a_member)
{
	fake_answer(fake, "GET", "/users.info?user=U1", 200, NULL,
	    "{\"ok\":false,\"error\":\"missing_scope\",\"needed\":\"users:read\",\"provided\":"
	    "\"\"}");
	kit_history(&kit, "C1", kit_message(&kit, "U1", 5, "<@U0BOT> one", NULL));
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_int_eq(fake->nemitted, 1);
	ck_assert_str_eq(fake->emitted[0].marks, "");
	ck_assert_ptr_nonnull(strstr(fake->log, "users:read"));
}
END_TEST

START_TEST(a_commit_that_failed_is_noticed)
{
	const char *in = kit_text(",\"thread_ts\":\"%s\"", TS(-100)), *parent, *all;
	char before[DROVER_VALUE_MAX];

	parent = kit_message(&kit, "U2", -100, "hello",
	    kit_text("%s,\"latest_reply\":\"%s\"", in, TS(20)));
	all = kit_text("%s,%s", parent, kit_message(&kit, "U1", 20, "<@U0BOT> two", in));
	kit_history(&kit, "C1", "");
	ck_assert_int_eq(kit_poll(&kit), 0);
	memcpy(before, fake->kept_cursor, sizeof(before));
	kit_history(&kit, "C1", parent);
	kit_replies(&kit, "C1", TS(-100), all);
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_int_eq(fake->nemitted, 1);
	/* The core kept neither job nor cursor. */
	memcpy(fake->kept_cursor, before, sizeof(before));
	fake->njobs = 0;
	kit_history(&kit, "C1", parent);
	kit_replies(&kit, "C1", TS(-100), all);
	ck_assert_int_eq(kit_poll(&kit), 0);
	ck_assert_int_eq(fake->njobs, 1);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *t = suite_case(suite, "source", setup, teardown);

	tcase_add_test(t, a_mention_becomes_a_job);
	tcase_add_test(t, what_is_not_a_request);
	tcase_add_test(t, a_stranger_is_left_to_the_core);
	tcase_add_test(t, strangers_do_not_fill_the_cursor);
	tcase_add_test(t, capacity_leaves_the_rest_for_later);
	tcase_add_test(t, all_pages_are_read_also_behind_an_empty_one);
	tcase_add_test(t, one_bad_channel_blinds_no_other);
	tcase_add_test(t, a_limit_ends_the_look_and_keeps_what_was_found);
	tcase_add_test(t, failures_lose_nothing);
	tcase_add_test(t, follow_ups_need_no_mention);
	tcase_add_test(t, an_older_thread_is_found_by_its_parent);
	tcase_add_test(t, capacity_holds_for_threads_too);
	tcase_add_test(t, edits);
	tcase_add_test(t, which_repo);
	tcase_add_test(t, hints_make_a_short_look);
	tcase_add_test(t, one_page_a_minute);
	tcase_add_test(t, groups_are_asked_for_only_when_authors_name_one);
	tcase_add_test(t, a_missing_scope_makes_nobody_a_member);
	tcase_add_test(t, a_commit_that_failed_is_noticed);
}

SUITE(cases)
