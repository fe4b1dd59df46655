/* SPDX-License-Identifier: Apache-2.0 */
/* What people write to drover and drover writes to people. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hook.h"
#include "common/talk.h"
#include "suite.h"

/* Whether "@bot" is said, and whether anything is. */
static const struct {
	const char *markdown;
	bool mentioned, says;
} saids[] = {
	{ "@bot fix it", true, true },
	{ "a `@bot` b", false, true },
	{ "`@bot`", false, false },
	{ "a ``@bot ` x`` b", false, true },
	{ "a ` b @bot", true, true },
	{ "a ` b\n\n@bot ` c", true, true },
	{ "a `b\nc @bot` d", false, true },
	{ "a \\`@bot\\` b", true, true },
	{ "x\n```\n@bot\n```\ny", false, true },
	{ "```\n@bot\n```\n", false, false },
	{ "x\n~~~ sh\n@bot\n```\n~~~~\ny", false, true },
	{ "```\n@bot\n", false, false },
	{ "````\n```\n@bot\n````\n", false, false },
	{ "```@bot``` y", false, true },
	{ "``` @bot\nx\n```", false, false },
	{ "1. so:\n\n    ```\n    @bot\n    ```\n", false, true },
	{ "- ```\n  @bot\n", false, false },
	{ "- ```\n@bot", true, true },
	{ "> @bot\n> more\n\nyes", false, true },
	{ "> @bot\n> more\n", false, false },
	{ "> quoted\n@bot", false, false },
	{ "- > @bot\n", false, false },
	{ "   > @bot", false, false },
	{ "text\n\n    @bot\n\ttab\nback", false, true },
	{ "    @bot", false, false },
	{ "text\n    @bot", true, true },
	{ "- item\n\n    @bot\n", true, true },
	{ "a <!-- @bot\nx --> b", false, true },
	{ "<!-- @bot -->", false, false },
	{ "<!-- @bot\n\n", false, false },
	/* Not closed within its paragraph it is no comment. */
	{ "a <!-- @bot", true, true },
	{ "a <!--> @bot", true, true },
	{ "a <!-- @bot\n> x --> b", true, true },
	{ "@b<!-- x -->ot", false, true },
	{ "<!-- ``` -->\n@bot", true, true },
	{ "```\n<!--\n```\n@bot", true, true },
	{ "<pre>\n@bot\n</pre>", false, false },
	{ "<div>\n@bot\n</div>", false, true },
	{ "<div>\n\n@bot", true, true },
	{ "<b>@bot</b>", true, true },
	{ "x <a title='@bot'>y</a>", false, true },
	{ "[x](http://y/ '@bot')", false, true },
	{ "[x]: @bot", false, false },
	{ "https://x.y/@bot", false, true },
	{ "**@bot**", true, true },
	{ "| a |\n|---|\n| @bot |", true, true },
	{ "\xe2\x80\x8b@bot", true, true },
	{ "@\xe2\x80\x8b"
	  "bot",
	    false, true },
	{ " \r\n\t", false, false },
	{ "", false, false },
};

START_TEST(only_what_a_reader_sees_as_said_counts)
{
	ck_assert_msg(talk_mentions(NULL, saids[_i].markdown, "bot") == saids[_i].mentioned, "%s",
	    saids[_i].markdown);
	ck_assert_msg(talk_says(NULL, saids[_i].markdown) == saids[_i].says, "%s",
	    saids[_i].markdown);
}
END_TEST

static const struct {
	const char *text;
	bool mentioned;
} mentions[] = {
	{ "@drover-bot fix", true },
	{ "please, @Drover-Bot: fix", true },
	{ "(@drover-bot)", true },
	{ "ask @drover-bot.", true },
	{ "@drover-bot", true },
	{ "x\n@drover-bot\n", true },
	{ "\xe4\xbd\xa0\xe5\xa5\xbd@drover-bot", true },
	{ "@other @drover-bot", true },
	{ "me@drover-bot", false },
	{ "@drover-bots", false },
	{ "@drover-bot-2", false },
	{ "@drover-bot/devs", false },
	{ "https://x.org/@drover-bot", false },
	{ "drover-bot", false },
	{ "@drover-bot.com", false },
	{ "@@drover-bot", false },
	{ "@drover-bot_", false },
	{ "", false },
	{ "@", false },
	{ "@drover-bo", false },
	{ "@\xe2\x80\x8b"
	  "drover-bot",
	    false },
};

START_TEST(a_mention_is_a_word_of_its_own)
{
	ck_assert_msg(talk_mentions(NULL, mentions[_i].text, "drover-bot") ==
		mentions[_i].mentioned,
	    "%s", mentions[_i].text);
	ck_assert(!talk_mentions(NULL, mentions[_i].text, ""));
}
END_TEST

static const struct {
	const char *markdown;
	int found, more;
	const char *prompt, *text;
} commands[] = {
	{ "/drover fix the login", 1, 0, "", "fix the login" },
	{ "/drover", 1, 0, "", "" },
	{ "/drover --prompt small-fix do it", 1, 0, "small-fix", "do it" },
	{ "/drover -p x", 1, 0, "x", "" },
	{ "/drover --prompt=x y", 1, 0, "x", "y" },
	{ "hello\r\n  /drover go\r\nbye", 1, 0, "", "go" },
	{ "/drover one\n/drover two\n/drover", 1, 2, "", "one" },
	{ "/drover --prompt ../../etc/passwd x", 1, 0, "", "--prompt ../../etc/passwd x" },
	{ "/drover --prompt", 1, 0, "", "--prompt" },
	{ "/drover --prompting x", 1, 0, "", "--prompting x" },
	{ "please /drover x", 0, 0, "", "" },
	{ "/droverize x", 0, 0, "", "" },
	{ "/DROVER x", 0, 0, "", "" },
	{ "", 0, 0, "", "" },
	{ "`x` to **see**:\n/drover rename `a` to *b* <!-- not -->", 1, 0, "",
	    "rename `a` to *b*" },
	{ "/drover fix <!-- this\nnot --> x", 1, 0, "", "fix" },
	{ "/drover f\xe2\x80\x8bix\xe2\x80\xae", 1, 0, "", "fix" },
	{ "/dr\xe2\x80\x8bover fix", 0, 0, "", "" },
	{ "- a\n\n  /drover fix", 1, 0, "", "fix" },
	{ "<pre>\n/drover fix it\n</pre>", 0, 0, "", "" },
	{ "1. You would say:\n\n    ```\n    # so\n\n    /drover fix it\n    ```", 0, 0, "", "" },
	{ "    /drover fix", 0, 0, "", "" },
	{ "> /drover fix\n/drover it", 0, 0, "", "" },
	{ "`code\n/drover fix`", 0, 0, "", "" },
	{ "```\n/drover a\n```\n/drover b", 1, 0, "", "b" },
};

START_TEST(the_first_command_of_a_text_is_taken)
{
	char prompt[64] = "", text[256] = "";
	int more = -1;

	ck_assert_int_eq(talk_command(NULL, commands[_i].markdown, prompt, sizeof(prompt), text,
			     sizeof(text), &more),
	    commands[_i].found);
	ck_assert_str_eq(prompt, commands[_i].prompt);
	ck_assert_str_eq(text, commands[_i].text);
	ck_assert_int_eq(more, commands[_i].more);
}
END_TEST

START_TEST(a_long_command_is_cut_between_characters)
{
	char prompt[4] = "", text[8] = "";
	int more;

	ck_assert_int_eq(talk_command(NULL, "/drover 12345\xc3\xa4\xc3\xa4\xc3\xa4", prompt,
			     sizeof(prompt), text, sizeof(text), &more),
	    1);
	ck_assert_str_eq(text, "12345\xc3\xa4");
	ck_assert_int_eq(talk_command(NULL, "/drover --prompt long x", prompt, sizeof(prompt), text,
			     sizeof(text), &more),
	    1);
	ck_assert_str_eq(prompt, "");
}
END_TEST

START_TEST(a_marker_is_found_again_and_no_other_for_it)
{
	struct text_buf out = { 0 };

	text_addf(&out, "Done.");
	talk_marker_add(&out, "reply", "a/b-1.c@2:--><x", "0af7");
	ck_assert_str_eq(text_of(&out),
	    "Done.\n\n<!-- drover:reply:a/b-1.c@2_--__x trace=0af7 -->");
	ck_assert(talk_marker_has(text_of(&out), "reply", "a/b-1.c@2:--><x"));
	ck_assert(!talk_marker_has(text_of(&out), "reply", "a/b-1.c@2:--><xy"));
	ck_assert(!talk_marker_has(text_of(&out), "reply", "a/b-1.c@2"));
	ck_assert(!talk_marker_has(text_of(&out), "ack", "a/b-1.c@2:--><x"));
	ck_assert(!talk_marker_has("", "reply", "x"));
	text_free(&out);
}
END_TEST

static const struct {
	const char *text, *left;
} strips[] = {
	{ "a\n\n<!-- drover:k:i trace=t -->", "a" },
	{ "a <!-- x --> b <!-- y -->c", "a  b c" },
	{ "a <!<!-- x -->-- drover:k:i trace=t --> b", "a  b" },
	{ "a <!-- never closed", "a" },
	{ "a <!--> b <!---> c", "a  b  c" },
	{ "plain < ! -- text", "plain < ! -- text" },
	{ "", "" },
};

START_TEST(a_text_of_a_drover_ends_in_a_marker)
{
	struct text_buf out = { 0 };

	text_addf(&out, "Done.");
	talk_marker_add(&out, "reply", "a", "0af7");
	ck_assert(talk_marker_ends(text_of(&out)));
	text_addf(&out, " \r\n");
	ck_assert(talk_marker_ends(text_of(&out)));
	text_addf(&out, "I do not agree.");
	ck_assert(!talk_marker_ends(text_of(&out)));
	ck_assert(!talk_marker_ends("> Done.\n> <!-- drover:reply:a trace=0af7 -->"));
	ck_assert(!talk_marker_ends("<!-- drover:"));
	ck_assert(!talk_marker_ends("-->"));
	ck_assert(!talk_marker_ends("<!-- other -->"));
	ck_assert(!talk_marker_ends(""));
	text_free(&out);
}
END_TEST

START_TEST(nobody_has_the_role_of_drover)
{
	char role[DROVER_NAME_MAX + 1], name[200];

	talk_role(role, "drover");
	ck_assert_str_eq(role, "@drover");
	memset(name, 'x', 62);
	snprintf(name + 62, sizeof(name) - 62, "\xc3\xa9\xc3\xa9\xc3\xa9");
	talk_role(role, name);
	/* What a half of a character would need is left out. */
	ck_assert_uint_eq(strlen(role), 63);
	ck_assert_int_eq(role[62], 'x');
}
END_TEST

START_TEST(no_marker_survives_in_what_others_wrote)
{
	char text[256];

	snprintf(text, sizeof(text), "%s", strips[_i].text);
	talk_marker_strip(text);
	ck_assert_str_eq(text, strips[_i].left);
}
END_TEST

static const struct {
	const char *text, *reply;
} replies[] = {
	{ "thinking\nREPLY_START\nDone: x.\n\nREPLY_END\nbye", "Done: x." },
	{ "I answer between REPLY_START and REPLY_END.\nREPLY_START\na\nREPLY_END", "a" },
	{ "REPLY_START\nold\nREPLY_END\nREPLY_START\r\nnew\r\nREPLY_END\r\n", "new" },
	{ "x\nREPLY_START\nnot closed", "not closed" },
	{ "REPLY_START\na\nREPLY_END\nREPLY_START\n", "a" },
	{ "  just text \n", "just text" },
	{ "REPLY_END\ntext", "REPLY_END\ntext" },
	{ "REPLY_START\nREPLY_END", "" },
	{ "", "" },
};

START_TEST(the_reply_is_what_stands_between_the_words)
{
	char *reply = talk_reply(replies[_i].text, 1000);

	ck_assert_str_eq(reply, replies[_i].reply);
	free(reply);
}
END_TEST

START_TEST(a_reply_is_cut_between_characters)
{
	char *reply = talk_reply("ab\xc3\xa4", 3);

	ck_assert_str_eq(reply, "ab");
	free(reply);
}
END_TEST

/* The published examples of the two vendors whose signatures these are. */
START_TEST(signatures_are_those_of_the_vendors)
{
	static const char slack[] = "v0:1531420618:token=x&team_id=T1";
	char sum[65];

	ck_assert_int_eq(hook_hmac("It's a Secret to Everybody", 26, "Hello, World!", 13, sum), 0);
	ck_assert_str_eq(sum, "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
	ck_assert_int_eq(hook_hmac("8f742231b10e8888abcd99yyyzzz85a5", 32, slack, sizeof(slack) - 1,
			     sum),
	    0);
	ck_assert_str_eq(sum, "ee1a198e50481730009ed1fa99d3f2d9cc2ef6ebdfc11672345c4cbcf915c217");
	ck_assert(
	    hook_same(sum, "ee1a198e50481730009ed1fa99d3f2d9cc2ef6ebdfc11672345c4cbcf915c217"));
	ck_assert(
	    !hook_same(sum, "ee1a198e50481730009ed1fa99d3f2d9cc2ef6ebdfc11672345c4cbcf915c218"));
	ck_assert(!hook_same(sum, "ee1a"));
	ck_assert(!hook_same("", "e"));
	ck_assert(hook_same("", ""));
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "talk", NULL, NULL);

	tcase_add_loop_test(tc, only_what_a_reader_sees_as_said_counts, 0,
	    sizeof(saids) / sizeof(saids[0]));
	tcase_add_loop_test(tc, a_mention_is_a_word_of_its_own, 0,
	    sizeof(mentions) / sizeof(mentions[0]));
	tcase_add_loop_test(tc, the_first_command_of_a_text_is_taken, 0,
	    sizeof(commands) / sizeof(commands[0]));
	tcase_add_test(tc, a_long_command_is_cut_between_characters);
	tcase_add_test(tc, a_marker_is_found_again_and_no_other_for_it);
	tcase_add_test(tc, a_text_of_a_drover_ends_in_a_marker);
	tcase_add_test(tc, nobody_has_the_role_of_drover);
	tcase_add_loop_test(tc, no_marker_survives_in_what_others_wrote, 0,
	    sizeof(strips) / sizeof(strips[0]));
	tcase_add_loop_test(tc, the_reply_is_what_stands_between_the_words, 0,
	    sizeof(replies) / sizeof(replies[0]));
	tcase_add_test(tc, a_reply_is_cut_between_characters);
	tcase_add_test(tc, signatures_are_those_of_the_vendors);
}

SUITE(cases)
