/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may start work: persons against lists, lists of a configuration, and the
 * list that is in force.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "config/authors.h"

#include "suite.h"

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

static const char *const nobody[] = { NULL };
/* The plugin's own list in all of these. */
static const char *const own[] = { "owner", "member", NULL };

static const struct {
	const char *const *authors;
	const char *id;
	const char *const *marks;
	uint32_t flags;
	const char *why; /* NULL: allowed */
} persons[] = {
	/* ids, in any case; marks, exactly */
	{ LIST("octocat"), "octocat", NULL, 0, NULL },
	{ LIST("OctoCat"), "oCTOcat", NULL, 0, NULL },
	{ LIST("octocat"), "octocat2", NULL, 0, "not among" },
	{ LIST("octocat2"), "octocat", NULL, 0, "not among" },
	{ LIST("octo"), "octocat", NULL, 0, "not among" },
	{ LIST("a", "b", "c"), "c", NULL, 0, NULL },
	{ LIST("member"), "x", LIST("contributor", "member"), 0, NULL },
	{ LIST("member"), "x", LIST("Member"), 0, "not among" },
	{ LIST("MEMBER"), "x", LIST("member"), 0, "not among" },
	{ LIST("member"), "x", LIST("members"), 0, "not among" },
	{ LIST("member"), "x", nobody, 0, "not among" },
	{ LIST("@acme/devs"), "x", LIST("@acme/dev", "@acme/devs"), 0, NULL },
	{ LIST("permission:write"), "x", LIST("permission:read"), 0, "not among" },
	{ LIST("Somebody"), "x", NULL, 0, "not among" },
	/*
	 * a login that reads like a mark of the plugin's own opens nothing;
	 * another one is a login
	 */
	{ LIST("owner", "member"), "member", NULL, 0, "not among" },
	{ LIST("owner", "member"), "OWNER", LIST("none"), 0, "not among" },
	{ LIST("Member"), "member", LIST("none"), 0, "not among" },
	{ LIST("owner", "member"), "owner", LIST("member"), 0, NULL },
	{ LIST("devs"), "devs", NULL, 0, NULL },
	/* nobody is named */
	{ nobody, "octocat", LIST("owner"), 0, "not among" },
	/* anybody, but not everything */
	{ LIST("*"), "x", NULL, 0, NULL },
	{ LIST("a", "*"), "x", NULL, 0, NULL },
	{ LIST("*"), "", NULL, 0, "does not say who" },
	{ LIST("*"), NULL, NULL, 0, "does not say who" },
	{ LIST("*"), "x", NULL, DROVER_PERSON_BOT, "a program" },
	{ LIST("*"), "x", NULL, DROVER_PERSON_SELF, "own account" },
	/* a person called * is not everybody, and is nobody either */
	{ LIST("x"), "*", NULL, 0, "not among" },
	/* flags before all else */
	{ LIST("x"), "x", LIST("owner"), DROVER_PERSON_BOT, "a program" },
	{ LIST("x"), "x", LIST("owner"), DROVER_PERSON_SELF, "own account" },
	{ LIST("x"), "x", LIST("owner"), DROVER_PERSON_SELF | DROVER_PERSON_BOT, "own account" },
	{ NULL, "x", NULL, DROVER_PERSON_BOT, "a program" },
	{ NULL, NULL, NULL, DROVER_PERSON_SELF, "own account" },
	/* a source without authors has no gate */
	{ NULL, "x", NULL, 0, NULL },
	{ NULL, NULL, NULL, 0, NULL },
};

START_TEST(persons_against_lists)
{
	struct drover_person person = { .size = sizeof person,
		.id = persons[_i].id,
		.marks = persons[_i].marks,
		.flags = persons[_i].flags,
		.name = "Somebody" };
	const char *why = "";
	int allowed = authors_allow(persons[_i].authors, own, &person, &why);

	ck_assert_int_eq(allowed, persons[_i].why == NULL);
	ck_assert_int_eq(authors_allow(persons[_i].authors, own, &person, NULL), allowed);
	if (persons[_i].why != NULL)
		ck_assert_msg(strstr(why, persons[_i].why) != NULL, "%s", why);
}
END_TEST

START_TEST(nobody_at_all)
{
	ck_assert_int_eq(authors_allow(LIST("*"), own, NULL, NULL), 0);
	ck_assert_int_eq(authors_allow(NULL, NULL, NULL, NULL), 1);
}
END_TEST

#define CONFIG(keys) "plugins = ( { name = \"p\"; sources = { s = { " keys " }; }; } );"

START_TEST(malformed_entries_are_refused)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ CONFIG("authors = (\"\");"), "empty" },
		{ CONFIG("authors = (\" a\");"), "blank" },
		{ CONFIG("authors = (\"a \");"), "blank" },
		{ CONFIG("authors = (\"@acme/*\");"), "stands alone" },
		{ CONFIG("authors = (\"**\");"), "stands alone" },
		{ CONFIG("authors = (\"a\\nb\");"), "control character" },
		{ CONFIG("authors = (\"\\xff\");"), "UTF-8" },
		{ CONFIG("authors = (1);"), "a list like" },
		{ CONFIG("authors = \"a\";"), "a list like" },
	};
	struct error err;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		memset(&err, 0, sizeof err);
		ck_assert_msg(config_parse(bad[i].text, "/t.conf", &err) == NULL, "%s was taken",
		    bad[i].text);
		ck_assert_int_eq(err.code, DROVER_CONFIG);
		ck_assert_msg(strstr(err.text, "/t.conf:1") != NULL &&
			strstr(err.text, bad[i].why) != NULL,
		    "%s", err.text);
	}
}
END_TEST

/*
 * No key, and a list of nobody, are two things, also in the process that a
 * plugin runs in.
 */
START_TEST(the_list_in_force)
{
	static const struct {
		const char *text, *first;
		bool own;
	} lists[] = {
		{ CONFIG("enabled = true;"), "member", true },
		{ CONFIG("authors = ();"), NULL, false },
		{ CONFIG("authors = (\"alice\");"), "alice", false },
		{ "", "member", true },
	};
	const char *const *defaults = LIST("member"), *const *list;
	struct config *c, *copy;
	struct error err = { 0 };
	cJSON *json;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		ck_assert_msg((c = config_parse(lists[i].text, "/t.conf", &err)) != NULL, "%s",
		    err.text);
		json = config_to_json(c);
		ck_assert_msg((copy = config_from_json(json, &err)) != NULL, "%s", err.text);
		cJSON_Delete(json);
		for (int n = 0; n < 2; n++) {
			list = authors_of(n == 0 ? c : copy, "p.s", defaults);
			ck_assert_int_eq(list == defaults, lists[i].own);
			if (lists[i].first == NULL)
				ck_assert_ptr_null(list[0]);
			else
				ck_assert_str_eq(list[0], lists[i].first);
			ck_assert_ptr_null(authors_of(n == 0 ? c : copy, "p.s", NULL));
			ck_assert_ptr_eq(authors_of(n == 0 ? c : copy, "p.other", defaults),
			    defaults);
			ck_assert_ptr_eq(authors_of(n == 0 ? c : copy, "pp.s", defaults), defaults);
			ck_assert_ptr_eq(authors_of(n == 0 ? c : copy, "s", defaults), defaults);
		}
		config_free(copy);
		config_free(c);
	}
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "authors", NULL, NULL);

	tcase_add_loop_test(tc, persons_against_lists, 0, (int)ARRAY_LEN(persons));
	tcase_add_test(tc, nobody_at_all);
	tcase_add_test(tc, malformed_entries_are_refused);
	tcase_add_test(tc, the_list_in_force);
}

SUITE(cases)
