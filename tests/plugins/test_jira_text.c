/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jira's documents, read and written, and wiki markup. What adf_schema.sh
 * validates is made by adf_corpus.c.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_host.h"
#include "suite.h"
#include "jira/adf.h"
#include "jira/fix.h"

static char *
read_text(const char *json, bool *whole)
{
	cJSON *doc = cJSON_Parse(json);
	struct text_buf out = { 0 };
	bool all;
	char *copy;

	ck_assert_msg(doc != NULL, "%s", json);
	all = adf_read(doc, &out);
	if (whole != NULL)
		*whole = all;
	copy = strdup(text_of(&out));
	text_free(&out);
	cJSON_Delete(doc);
	return copy;
}

static void
reads(const char *content, const char *expected)
{
	char *json, *text;

	ck_assert_int_gt(asprintf(&json, "{\"type\":\"doc\",\"version\":1,\"content\":[%s]}",
			     content),
	    0);
	text = read_text(json, NULL);
	ck_assert_str_eq(text, expected);
	free(text);
	free(json);
}

static void
writes(const char *markdown, const char *content)
{
	cJSON *doc = adf_write(NULL, markdown);
	char *json = cJSON_PrintUnformatted(cJSON_GetObjectItem(doc, "content"));

	ck_assert_str_eq(json, content);
	free(json);
	cJSON_Delete(doc);
}

static void
wikis(const char *markdown, const char *expected)
{
	cJSON *doc = adf_write(NULL, markdown);
	struct text_buf out = { 0 };

	wiki_write(doc, &out);
	ck_assert_str_eq(text_of(&out), expected);
	text_free(&out);
	cJSON_Delete(doc);
}

#define T(text) "{\"type\":\"text\",\"text\":\"" text "\"}"
#define P(inner) "{\"type\":\"paragraph\",\"content\":[" inner "]}"

START_TEST(blocks_are_read_as_markdown)
{
	reads(P(T("one")) "," P(T("two") ",{\"type\":\"hardBreak\"}," T("three")),
	    "one\n\ntwo\nthree");
	reads("{\"type\":\"heading\",\"attrs\":{\"level\":3},\"content\":[" T("h") "]}," P(T("x")),
	    "### h\n\nx");
	reads("{\"type\":\"bulletList\",\"content\":[{\"type\":\"listItem\",\"content\":[" P(
		  T("a")) "," P(T("more")) "]},"
					   "{\"type\":\"listItem\",\"content\":[" P(
					       T("b")) ",{\"type\":\"orderedList\",\"attrs\":{"
						       "\"order\":4},\"content\":["
						       "{\"type\":\"listItem\",\"content\":[" P(
							   T("c")) "]}]}]}]}",
	    "- a\n  \n  more\n- b\n  \n  4. c");
	reads("{\"type\":\"blockquote\",\"content\":[" P(T("q")) "," P(T("r")) "]}",
	    "> q\n> \n> r");
	reads("{\"type\":\"rule\"}," P(T("x")), "---\n\nx");
	reads("{\"type\":\"expand\",\"attrs\":{\"title\":\"More\"},\"content\":[" P(T("x")) "]}",
	    "More\n\nx");
	reads("{\"type\":\"taskList\",\"content\":[{\"type\":\"taskItem\",\"attrs\":{\"state\":"
	      "\"DONE\"},\"content\":[" T(
		  "a") "]},"
		       "{\"type\":\"taskItem\",\"attrs\":{\"state\":\"TODO\"},\"content\":[" T(
			   "b") "]}]}",
	    "- [x] a\n- [ ] b");
}
END_TEST

START_TEST(code_cannot_close_its_fence)
{
	reads("{\"type\":\"codeBlock\",\"attrs\":{\"language\":\"c\"},\"content\":[" T(
		  "int x;\\nint y;") "]}",
	    "```c\nint x;\nint y;\n```");
	reads("{\"type\":\"codeBlock\",\"content\":[" T("a\\n```\\nb") "]}",
	    "````\na\n```\nb\n````");
	reads("{\"type\":\"codeBlock\",\"attrs\":{\"language\":\"c`\\nx\"},\"content\":[" T(
		  "a") "]}",
	    "```c\na\n```");
	reads(P("{\"type\":\"text\",\"text\":\"`a``b\",\"marks\":[{\"type\":\"code\"}]}"),
	    "``` `a``b ```");
}
END_TEST

START_TEST(tables_are_rows)
{
	reads(
	    "{\"type\":\"table\",\"content\":[{\"type\":\"tableRow\",\"content\":[{\"type\":"
	    "\"tableHeader\",\"content\":[" P(T(
		"A")) "]},"
		      "{\"type\":\"tableHeader\",\"content\":[" P(T(
			  "B")) "]}]},{\"type\":\"tableRow\",\"content\":[{\"type\":\"tableCell\","
				"\"content\":[" P(T("1")) "," P(T("2")) "]},{\"type\":"
									"\"tableCell\",\"content\":"
									"[" P(T("3")) "]}]}]}",
	    "| A | B |\n| 1  2 | 3 |");
}
END_TEST

START_TEST(inline_nodes_say_what_they_show)
{
	reads(P("{\"type\":\"mention\",\"attrs\":{\"id\":\"5b\",\"text\":\"@Mia\"}}," T(
		  " and ") ",{\"type\":\"mention\",\"attrs\":{\"id\":\"5c\"}}"),
	    "@Mia and @5c");
	reads(P("{\"type\":\"emoji\",\"attrs\":{\"shortName\":\":smile:\"}},{\"type\":\"status\","
		"\"attrs\":{\"text\":\"DONE\",\"color\":\"green\"}}"),
	    ":smile:DONE");
	reads(P("{\"type\":\"date\",\"attrs\":{\"timestamp\":\"1582152559000\"}}"), "2020-02-19");
	reads(P("{\"type\":\"inlineCard\",\"attrs\":{\"url\":\"https://a/b\"}}"), "https://a/b");
	reads("{\"type\":\"mediaSingle\",\"content\":[{\"type\":\"media\",\"attrs\":{\"type\":"
	      "\"file\",\"id\":\"u-1\",\"alt\":\"shot.png\"}}]}",
	    "[media: shot.png]");
	reads(P("{\"type\":\"text\",\"text\":\"x\",\"marks\":[{\"type\":\"code\"}]},{\"type\":"
		"\"text\",\"text\":\"y\",\"marks\":[{\"type\":\"strong\"}]},"
		"{\"type\":\"text\",\"text\":\"z\",\"marks\":[{\"type\":\"link\",\"attrs\":{"
		"\"href\":\"https://z\"}}]}"),
	    "`x`**y**[z](https://z)");
}
END_TEST

START_TEST(unknown_nodes_give_their_text)
{
	reads("{\"type\":\"hologram\",\"content\":[" P(
		  T("a")) ",{\"type\":\"spark\",\"text\":\"b\"}]}",
	    "ab");
	reads("{\"type\":7},null,3,\"s\",[]," P(T("still")), "still");
	reads("{\"type\":\"paragraph\",\"content\":\"no list\"}," P(
		  "{\"type\":\"text\",\"text\":9}," T("x")),
	    "x");
}
END_TEST

START_TEST(hidden_characters_do_not_come_through)
{
	reads(P(T("a\\u200bb\\u202ec\\u0007d\\re")), "abcde");
}
END_TEST

START_TEST(depth_and_size_are_bounded)
{
	struct text_buf json = { 0 };
	bool whole;
	char *text;
	int i;

	for (i = 0; i < 200; i++)
		text_addf(&json, "{\"type\":\"blockquote\",\"content\":[");
	text_addf(&json, P(T("bottom")));
	for (i = 0; i < 200; i++)
		text_addf(&json, "]}");
	text = read_text(text_of(&json), &whole);
	ck_assert(!whole);
	ck_assert_ptr_null(strstr(text, "bottom"));
	ck_assert_ptr_nonnull(strstr(text, "left out"));
	free(text);
	text_free(&json);
	text_addf(&json, "{\"type\":\"doc\",\"content\":[");
	for (i = 0; i < 3000; i++)
		text_addf(&json, "%s" P(T("0123456789012345678901234567890123456789")),
		    i > 0 ? "," : "");
	text_addf(&json, "]}");
	text = read_text(text_of(&json), &whole);
	ck_assert(!whole);
	ck_assert_uint_le(strlen(text), ADF_READ_MAX + 100);
	free(text);
	text_free(&json);
}
END_TEST

START_TEST(a_string_is_wiki_text_as_it_is)
{
	char *text = read_text("\"h1. Title\\r\\n* item\"", NULL);

	ck_assert_str_eq(text, "h1. Title\n* item");
	free(text);
}
END_TEST

START_TEST(markdown_becomes_a_document)
{
	writes("one\ntwo\n\nthree",
	    "[{\"type\":\"paragraph\",\"content\":[" T("one") ",{\"type\":\"hardBreak\"}," T(
		"two") "]}," P(T("three")) "]");
	writes("## Head\ntext",
	    "[{\"type\":\"heading\",\"attrs\":{\"level\":2},\"content\":[" T("Head") "]}," P(
		T("text")) "]");
	writes("- a\n- b\n  more\n\n1. c",
	    "[{\"type\":\"bulletList\",\"content\":[{\"type\":\"listItem\",\"content\":[" P(
		T("a")) "]},"
			"{\"type\":\"listItem\",\"content\":[" P(
			    T("b") ",{\"type\":\"hardBreak\"}," T(
				"more")) "]}]},"
					 "{\"type\":\"orderedList\",\"content\":[{\"type\":"
					 "\"listItem\",\"content\":[" P(T("c")) "]}]}]");
	writes("```c\nint x;\n\nint y;\n```\nafter",
	    "[{\"type\":\"codeBlock\",\"attrs\":{\"language\":\"c\"},\"content\":[" T(
		"int x;\\n\\nint y;") "]}," P(T("after")) "]");
	writes("> q\n>\n> r\n\nx",
	    "[{\"type\":\"blockquote\",\"content\":[" P(T("q")) "," P(T("r")) "]}," P(T("x")) "]");
	writes("---", "[{\"type\":\"rule\"}]");
	writes("", "[{\"type\":\"paragraph\",\"content\":[]}]");
	writes("```\n```", "[{\"type\":\"codeBlock\"}]");
	writes("```\nopen", "[{\"type\":\"codeBlock\",\"content\":[" T("open") "]}]");
}
END_TEST

#define ITEM(inner)    "{\"type\":\"listItem\",\"content\":[" inner "]}"
#define BULLETS(inner) "{\"type\":\"bulletList\",\"content\":[" inner "]}"
#define CODE(text)     "{\"type\":\"codeBlock\",\"content\":[" T(text) "]}"
#define CELL(kind, in) "{\"type\":\"table" kind "\",\"content\":[" P(in) "]}"

START_TEST(blocks_stand_within_each_other)
{
	writes("- a\n  - b\n\n    c\n- d",
	    "[" BULLETS(ITEM(P(T("a")) "," BULLETS(ITEM(P(T("b")) "," P(T("c"))))) "," ITEM(
		P(T("d")))) "]");
	/* What follows code in a list goes on with its number. */
	writes("1. a\n\n   ```\n   x\n     y\n   ```\n2. b\n\n> q\n\n3. c",
	    "[{\"type\":\"orderedList\",\"content\":[" ITEM(P(T("a")) "," CODE("x\\n  y")) "," ITEM(
		P(T("b"))) "]},{\"type\":\"blockquote\",\"content\":[" P(T("q")) "]},"
										 "{\"type\":"
										 "\"orderedList\","
										 "\"attrs\":{"
										 "\"order\":3},"
										 "\"content\":"
										 "[" ITEM(P(T(
										     "c"))) "]}]");
	/* A list and a quote hold no quote, heading, rule or table. */
	writes("- > q\n- # h\n- ***\n- | a | b |\n  |---|---|\n  | c | d |",
	    "[" BULLETS(ITEM(P(T("q"))) "," ITEM(P(
		"{\"type\":\"text\",\"text\":\"h\",\"marks\":[{\"type\":"
		"\"strong\"}]}")) ","
				  "{\"type\":\"listItem\",\"content\":[{"
				  "\"type\":\"paragraph\",\"content\":[]}]}"
				  "," ITEM(P(T(
				      "| ") ",{\"type\":\"text\","
					    "\"text\":\"a\",\"marks\":"
					    "[{\"type\":\"strong\"}]}"
					    "," T(
						" | ") ",{\"type\":"
						       "\"text\","
						       "\"text\":"
						       "\"b\","
						       "\"marks\":[{"
						       "\"type\":"
						       "\"strong\"}]"
						       "}") ","
					      P(T("| ") "," T("c") "," T(" | ") "," T("d")))) "]");
	writes("| a | b |\n|---|:-:|\n| c\\|d | |",
	    "[{\"type\":\"table\",\"content\":[{\"type\":\"tableRow\",\"content\":[" CELL("Header",
		T("a")) "," CELL("Header",
		T("b")) "]},"
			"{\"type\":\"tableRow\",\"content\":[" CELL("Cell",
			    T("c|d")) "," CELL("Cell", "") "]}]}]");
	writes("<details>\n<b>x</b>\n</details>",
	    "[" P(T("<details>") ",{\"type\":\"hardBreak\"}," T(
		"<b>x</b>") ","
			    "{\"type\":\"hardBreak\"}," T("</details>")) "]");
}
END_TEST

START_TEST(lists_are_no_deeper_than_jira_reads_them)
{
	struct text_buf text = { 0 };
	const cJSON *at;
	int i, lists = 0;
	cJSON *doc;
	char *json;

	for (i = 0; i < 40; i++) {
		text_fill(&text, ' ', (size_t)i * 2);
		text_addf(&text, "- level-%d\n", i);
	}
	doc = adf_write(NULL, text_of(&text));
	for (at = doc; at != NULL; lists += strcmp(json_text(at, "type"), "bulletList") == 0)
		at = cJSON_GetArrayItem(cJSON_GetObjectItem(at, "content"),
		    cJSON_GetArraySize(cJSON_GetObjectItem(at, "content")) - 1);
	ck_assert_int_eq(lists, 6);
	json = cJSON_PrintUnformatted(doc);
	ck_assert_ptr_nonnull(strstr(json, "level-39"));
	free(json);
	cJSON_Delete(doc);
	text_free(&text);
}
END_TEST

#define MARK(text, marks) "{\"type\":\"text\",\"text\":\"" text "\",\"marks\":[" marks "]}"
#define M(type)           "{\"type\":\"" type "\"}"
#define LINK(href)        "{\"type\":\"link\",\"attrs\":{\"href\":\"" href "\"}}"

START_TEST(marks_stand_within_each_other)
{
	writes("*a **b*** ~~c~~",
	    "[" P(MARK("a ", M("em")) "," MARK("b", M("strong") "," M("em")) "," T(
		" ") "," MARK("c", M("strike"))) "]");
	writes("**see [t *u*](http://x)** `a`",
	    "[" P(MARK("see ", M("strong")) "," MARK("t ",
		M("strong") "," LINK("http://x")) "," MARK("u",
		M("strong") "," M("em") "," LINK("http://x")) "," T(" ") "," MARK("a",
		M("code"))) "]");
	writes("[`a`](http://x) ![b](http://y) ![](http://z) [](http://w)",
	    "[" P(MARK("a", M("code") "," LINK("http://x")) "," T(
		" ") "," MARK("b", LINK("http://y")) "," T(" ") "," MARK("http://z",
		LINK("http://z")) "," T(" ") "," MARK("http://w", LINK("http://w"))) "]");
	writes("http://a.b/__c__/d_(e) [x](http://y/(z))",
	    "[" P(MARK("http://a.b/__c__/d_(e)", LINK("http://a.b/__c__/d_(e)")) "," T(
		" ") "," MARK("x", LINK("http://y/(z)"))) "]");
	writes("[a](src/b.c) ![c](d.png \"e\")", "[" P(T("[a](src/b.c) ![c](d.png)")) "]");
}
END_TEST

START_TEST(inline_signs_become_marks)
{
	writes("a `b` **c** d",
	    "[" P(T("a ") ",{\"type\":\"text\",\"text\":\"b\",\"marks\":[{\"type\":\"code\"}]},"
	    T(" ") ",{\"type\":\"text\",\"text\":\"c\",\"marks\":[{\"type\":\"strong\"}]},"
	    T(" d")) "]");
	writes("see https://x.y/z?a=1.",
	    "[" P(T("see ") ",{\"type\":\"text\",\"text\":\"https://x.y/"
			    "z?a=1\",\"marks\":[{\"type\":\"link\",\"attrs\":"
			    "{\"href\":\"https://x.y/z?a=1\"}}]}," T(".")) "]");
	writes("[t](https://x)",
	    "[" P("{\"type\":\"text\",\"text\":\"t\",\"marks\":[{\"type\":\"link\",\"attrs\":{"
		  "\"href\":\"https://x\"}}]}") "]");
	writes("`` ** [] [a]( ** b*", "[" P(T("`` ** [] [a]( ** b*")) "]");
}
END_TEST

START_TEST(nothing_calls_people_or_hides_a_link)
{
	writes("@mia [~mia] [x](javascript:alert(1))",
	    "[" P(T("@mia [~mia] [x](javascript:alert(1))")) "]");
	writes("a\\u200b", "[" P(T("a\\\\u200b")) "]");
	writes("a\xe2\x80\x8b\xe2\x80\xae\x07" "b", "[" P(T("ab")) "]");
}
END_TEST

START_TEST(what_is_nested_too_deeply_is_plain_text_and_logged)
{
	struct fake *fake = fake_new();
	char text[500], *json;
	cJSON *doc;

	memset(text, '>', 200);
	strcpy(text + 200, " **a**\n[~mia]");
	doc = adf_write(&fake->scope, text);
	json = cJSON_PrintUnformatted(doc);
	ck_assert_ptr_nonnull(strstr(json, "> **a**\"},{\"type\":\"hardBreak\"},"));
	ck_assert_ptr_nonnull(strstr(json, "\"text\":\"[~mia]\""));
	ck_assert_ptr_nonnull(strstr(fake->log, "a text of 213 bytes is nested too deeply"));
	ck_assert_ptr_eq(strchr(fake->log, '\n') + 1, strchr(fake->log, '\0'));
	free(json);
	cJSON_Delete(doc);
	fake_free(fake);
}
END_TEST

START_TEST(what_is_too_long_is_cut)
{
	char *text = malloc(100001);
	cJSON *doc;
	char *json;

	memset(text, 'x', 100000);
	text[100000] = '\0';
	doc = adf_write(NULL, text);
	json = cJSON_PrintUnformatted(doc);
	ck_assert_uint_lt(strlen(json), 32767);
	ck_assert_ptr_nonnull(strstr(json, "(cut)"));
	free(json);
	cJSON_Delete(doc);
	free(text);
}
END_TEST

START_TEST(wiki_text_is_escaped)
{
	wikis("a \\*b\\* {code} [~mia] h1. !x! @all",
	    "a \\*b\\* \\{code\\} \\[\\~mia\\] h1. \\!x\\! \\@all");
	wikis("h1. no\nbq. no\n\n# yes", "h1\\. no\nbq\\. no\n\nh1. yes");
	wikis("- a\n- b\n\n1. c", "* a\n* b\n\n# c");
	wikis("```\nx {noformat} y\n```", "{noformat}\nx { noformat} y\n{noformat}");
	wikis("see [t](https://x/a_b) `c` **d**", "see [t|https://x/a_b] {{c}} *d*");
	wikis("> q", "{quote}\nq\n{quote}");
	wikis("- a\n  1. b\n     ```\n     c\n     ```\n- d",
	    "* a\n*# b\n{noformat}\nc\n{noformat}\n* d");
	wikis("2. a\n   - b\n3. c", "2. a\n* b\n3. c");
	wikis("| a | b |\n|---|---|\n| c\\|d | |", "|| a || b ||\n| c\\|d |  |");
	wikis("**a *b*** ~~c~~ [d](http://x/[y]|{z})",
	    "*a _b_* -c- [d|http://x/%5By%5D%7C%7Bz%7D]");
}
END_TEST

START_TEST(pictures_are_known_by_their_first_bytes)
{
	ck_assert_str_eq(image_kind("\x89PNG\r\n\x1a\n....", 12), "png");
	ck_assert_str_eq(image_kind("\xff\xd8\xff\xe0", 4), "jpg");
	ck_assert_str_eq(image_kind("GIF89a..", 8), "gif");
	ck_assert_str_eq(image_kind("RIFF\x10\0\0\0WEBPVP8 ", 16), "webp");
	ck_assert_ptr_null(image_kind("<svg onload=x>", 14));
	ck_assert_ptr_null(image_kind("", 0));
	ck_assert_ptr_null(image_kind("RIFF", 4));
	ck_assert_ptr_null(image_kind("\x89PNG", 4));
}
END_TEST

START_TEST(slugs_and_quotes)
{
	struct text_buf out = { 0 };
	char slug[20];

	fix_slug("Fix: the  Thing (again!) \xc3\xa9\xc3\xa9 and more", slug, sizeof(slug));
	ck_assert_str_eq(slug, "fix-the-thing-again");
	fix_slug("\xe6\x97\xa5\xe6\x9c\xac", slug, sizeof(slug));
	ck_assert_str_eq(slug, "");
	jql_quote(&out, "a\"b\\c\nd");
	ck_assert_str_eq(text_of(&out), "\"a\\\"b\\\\cd\"");
	text_free(&out);
}
END_TEST

START_TEST(verdicts_are_found_in_what_agents_say)
{
	static const struct {
		const char *text, *verdict;
	} cases[] = {
		{ "{\"verdict\":\"PROCEED\",\"repos\":[\"web\"]}", "PROCEED" },
		{ "I read {a} and {b}.\n\n{\"verdict\": \"NEEDS_INFO\", \"reason\": \"{x}\"}\n",
		    "NEEDS_INFO" },
		{ "The form is {\"verdict\": \"PROCEED\"} "
		  "but:\n```json\n{\"verdict\":\"NEEDS_INFO\",\"questions\":[\"a?\"]}\n```\nDone.",
		    "NEEDS_INFO" },
		{ "{\"verdict\":\"MAYBE\"}", NULL },
		{ "{\"verdict\":3}", NULL },
		{ "PROCEED", NULL },
		{ "", NULL },
		{ "{{{{{{", NULL },
		{ "{\"verdict\":\"PROCEED\"", NULL },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cJSON *json = triage_read(cases[i].text);

		if (cases[i].verdict == NULL)
			ck_assert_msg(json == NULL, "%s", cases[i].text);
		else
			ck_assert_str_eq(json_text(json, "verdict"), cases[i].verdict);
		cJSON_Delete(json);
	}
}
END_TEST

/*
 * Atlassian's own examples, where they are: each description and comment in
 * them is read.
 */
START_TEST(samples_are_read)
{
	const char *folder = SOURCE_DIR "/../shared/contracts/samples/jira";
	char path[1024], *text;
	struct dirent *entry;
	long size;
	DIR *dir;
	FILE *in;
	int n = 0;

	if ((dir = opendir(folder)) == NULL) {
		fprintf(stderr, "skipped: %s is not here\n", folder);
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		struct drover_error err = { 0 };
		struct text_buf out = { 0 };
		cJSON *json;

		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (strstr(entry->d_name, ".json") == NULL || (in = fopen(path, "r")) == NULL)
			continue;
		fseek(in, 0, SEEK_END);
		size = ftell(in);
		rewind(in);
		text = calloc(1, (size_t)size + 1);
		ck_assert_uint_eq(fread(text, 1, (size_t)size, in), size);
		fclose(in);
		json = json_read(text, (size_t)size, &err);
		ck_assert_msg(json != NULL, "%s: %s", path, err.text);
		issue_text(json, "description", &out);
		adf_read(cJSON_GetObjectItem(json, "body"), &out);
		if (strcmp(entry->d_name, "getIssue.200.json") == 0)
			ck_assert_str_eq(text_of(&out), "Main order flow broken");
		if (strcmp(entry->d_name, "getComment.200.json") == 0)
			ck_assert_int_eq(strncmp(text_of(&out), "Lorem ipsum", 11), 0);
		text_free(&out);
		cJSON_Delete(json);
		free(text);
		n++;
	}
	closedir(dir);
	ck_assert_int_gt(n, 0);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *c = suite_case(suite, "texts", NULL, NULL);

	tcase_add_test(c, blocks_are_read_as_markdown);
	tcase_add_test(c, code_cannot_close_its_fence);
	tcase_add_test(c, tables_are_rows);
	tcase_add_test(c, inline_nodes_say_what_they_show);
	tcase_add_test(c, unknown_nodes_give_their_text);
	tcase_add_test(c, hidden_characters_do_not_come_through);
	tcase_add_test(c, depth_and_size_are_bounded);
	tcase_add_test(c, a_string_is_wiki_text_as_it_is);
	tcase_add_test(c, markdown_becomes_a_document);
	tcase_add_test(c, blocks_stand_within_each_other);
	tcase_add_test(c, lists_are_no_deeper_than_jira_reads_them);
	tcase_add_test(c, marks_stand_within_each_other);
	tcase_add_test(c, inline_signs_become_marks);
	tcase_add_test(c, nothing_calls_people_or_hides_a_link);
	tcase_add_test(c, what_is_nested_too_deeply_is_plain_text_and_logged);
	tcase_add_test(c, what_is_too_long_is_cut);
	tcase_add_test(c, wiki_text_is_escaped);
	tcase_add_test(c, pictures_are_known_by_their_first_bytes);
	tcase_add_test(c, slugs_and_quotes);
	tcase_add_test(c, verdicts_are_found_in_what_agents_say);
	tcase_add_test(c, samples_are_read);
}

SUITE(cases)
