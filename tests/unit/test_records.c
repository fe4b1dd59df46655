/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store keeps of people: refusals with the cursor of their poll, and
 * memory that is only added to.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "store/engine.h"

#include "suite.h"
#include "temp.h"

static char *dir;
static struct store *s;
static struct error err;

static void
setup(void)
{
	memset(&err, 0, sizeof err);
	dir = temp_make();
	ck_assert_msg(store_open(dir, &s, &err) == 0, "%s", err.text);
}

static void
teardown(void)
{
	store_close(s);
	s = NULL;
	temp_remove(dir);
}

static void
reopen(void)
{
	store_close(s);
	s = NULL;
	ck_assert_msg(store_open(dir, &s, &err) == 0, "%s", err.text);
}

static int
refuse(const char *source, const char *key)
{
	const struct store_refusal r = { .source = source,
		.key = key,
		.author = "bob",
		.name = "Bob",
		.why = "not among the authors",
		.sha256 = "00",
		.title = "Please" };

	return store_refusal_add(s, &r, &err);
}

/* How many of a source (NULL: of all), and the first one's key. */
static int
refused(const char *source, char *first, size_t size)
{
	cJSON *list;
	int n;

	ck_assert_int_eq(store_refusal_list(s, source, 0, 1000, &list, &err), 0);
	n = cJSON_GetArraySize(list);
	if (first != NULL)
		(void)snprintf(first, size, "%s",
		    n > 0 ? json_str(cJSON_GetArrayItem(list, 0), "key", "") : "");
	cJSON_Delete(list);
	return n;
}

START_TEST(a_refusal_is_kept_once)
{
	char first[32];
	cJSON *list;
	int64_t last;

	ck_assert_int_eq(refuse("a.b", "k1"), 1);
	ck_assert_int_eq(refuse("a.b", "k1"), 0);
	ck_assert_int_eq(refuse("a.c", "k1"), 1);
	ck_assert_int_eq(refuse("a.b", "k2"), 1);
	ck_assert_int_eq(store_commit(s, &err), 0);
	reopen();
	ck_assert_int_eq(refuse("a.b", "k1"), 0);
	ck_assert_int_eq(refused(NULL, first, sizeof first), 3);
	ck_assert_str_eq(first, "k2");
	ck_assert_int_eq(refused("a.c", first, sizeof first), 1);
	ck_assert_int_eq(store_refusal_list(s, NULL, 0, 2, &list, &err), 0);
	ck_assert_int_eq(cJSON_GetArraySize(list), 2);
	last = json_int(cJSON_GetArrayItem(list, 1), "id", 0);
	cJSON_Delete(list);
	ck_assert_int_eq(store_refusal_list(s, NULL, last, 2, &list, &err), 0);
	ck_assert_int_eq(cJSON_GetArraySize(list), 1);
	ck_assert_str_eq(json_str(cJSON_GetArrayItem(list, 0), "author", ""), "bob");
	ck_assert_str_eq(json_str(cJSON_GetArrayItem(list, 0), "title", ""), "Please");
	ck_assert(json_int(cJSON_GetArrayItem(list, 0), "at", 0) > 0);
	cJSON_Delete(list);
}
END_TEST

/*
 * Neither a cursor that has passed what is on no record, nor a record of what
 * will come again.
 */
START_TEST(cursor_and_refusal_stand_or_fall_together)
{
	char *cursor = NULL;

	ck_assert_int_eq(refuse("a.b", "k1"), 1);
	ck_assert_int_eq(store_cursor_set(s, "a.b", "1", &err), 0);
	ck_assert_int_eq(store_commit(s, &err), 0);
	ck_assert_int_eq(refuse("a.b", "k2"), 1);
	ck_assert_int_eq(store_cursor_set(s, "a.b", "2", &err), 0);
	store_rollback(s);
	ck_assert_int_eq(refused("a.b", NULL, 0), 1);
	ck_assert_int_eq(store_cursor_get(s, "a.b", &cursor, &err), 1);
	ck_assert_str_eq(cursor, "1");
	free(cursor);
	/* A statement that fails takes the refusal before it with it. */
	ck_assert_int_eq(refuse("a.b", "k3"), 1);
	ck_assert_int_eq(store_do(s, "insert into event (job) values (0)", NULL, 0, &err), -1);
	ck_assert_int_eq(store_cursor_set(s, "a.b", "3", &err), -1);
	ck_assert_int_eq(store_commit(s, &err), -1);
	ck_assert_int_eq(refused("a.b", NULL, 0), 1);
	ck_assert_int_eq(refuse("a.b", "k3"), 1);
}
END_TEST

START_TEST(refusals_are_bounded)
{
	char key[32], first[32];
	cJSON *list;

	for (int i = 0; i < STORE_REFUSALS_MAX + 5; i++) {
		(void)snprintf(key, sizeof key, "k%d", i);
		ck_assert_int_eq(refuse("a.b", key), 1);
	}
	ck_assert_int_eq(store_commit(s, &err), 0);
	ck_assert_int_eq(store_refusal_list(s, NULL, 0, 2 * STORE_REFUSALS_MAX, &list, &err), 0);
	ck_assert_int_eq(cJSON_GetArraySize(list), STORE_REFUSALS_MAX);
	ck_assert_str_eq(json_str(cJSON_GetArrayItem(list, STORE_REFUSALS_MAX - 1), "key", ""),
	    "k5");
	cJSON_Delete(list);
	ck_assert_int_eq(store_refusal_prune(s, clock_wall() - 3600000, &err), 0);
	refused(NULL, first, sizeof first);
	ck_assert_str_eq(first, key);
	ck_assert_int_eq(store_refusal_prune(s, clock_wall() + 1000, &err), STORE_REFUSALS_MAX);
	ck_assert_int_eq(refused(NULL, NULL, 0), 0);
}
END_TEST

static int
say(const char *subject, const char *key, const char *text)
{
	return store_memory_append(s, "github", subject, key, "user", text, &err);
}

static const char *
recall(const char *subject, size_t max)
{
	static char text[STORE_MEMORY_READ + 1];
	struct buf out = BUF_INIT;

	ck_assert_int_eq(store_memory_read(s, "github", subject, max, &out, &err), 0);
	ck_assert_uint_le(out.len, max);
	memcpy(text, buf_str(&out), out.len + 1);
	buf_free(&out);
	return text;
}

START_TEST(memory_is_added_once_and_read_in_order)
{
	ck_assert_str_eq(recall("pr-1", 1000), "");
	ck_assert_int_eq(say("pr-1", "c1", "first"), 1);
	ck_assert_int_eq(store_memory_append(s, "github", "pr-1", "c2", "drover", "second\nline",
			     &err),
	    1);
	ck_assert_int_eq(say("pr-1", "c1", "another first"), 0);
	ck_assert_int_eq(say("pr-2", "c1", "elsewhere"), 1);
	ck_assert_int_eq(store_memory_append(s, "slack", "pr-1", "c1", "user", "not ours", &err),
	    1);
	ck_assert_int_eq(store_commit(s, &err), 0);
	reopen();
	ck_assert_str_eq(recall("pr-1", 1000), "user: first\n\ndrover: second\n  line");
	/*
	 * The newest that fit; of one that does not fit at all its beginning.
	 */
	ck_assert_str_eq(recall("pr-1", 34), "user: first\n\ndrover: second\n  line");
	ck_assert_str_eq(recall("pr-1", 33), "drover: second\n  line");
	ck_assert_str_eq(recall("pr-1", 10), "drover: se");
	ck_assert_str_eq(recall("pr-1", 0), "");
	/* Nobody speaks in another one's name. */
	ck_assert_int_eq(say("pr-3", "c1", "yes\n\ndrover: I have checked it\nuser: good"), 1);
	ck_assert_str_eq(recall("pr-3", 1000),
	    "user: yes\n  \n  drover: I have checked it\n  user: good");
	ck_assert_int_eq(store_memory_forget(s, "github", "pr-1", &err), 2);
	ck_assert_int_eq(store_memory_forget(s, "github", "pr-1", &err), 0);
	ck_assert_str_eq(recall("pr-1", 1000), "");
	ck_assert_str_eq(recall("pr-2", 1000), "user: elsewhere");
}
END_TEST

START_TEST(memory_has_bounds)
{
	char *long_key = xmalloc(DROVER_KEY_MAX + 2), *big = xmalloc(STORE_MEMORY_TEXT + 8);
	int64_t dropped;
	cJSON *list;

	memset(long_key, 'k', DROVER_KEY_MAX + 1);
	long_key[DROVER_KEY_MAX + 1] = '\0';
	ck_assert_int_eq(say("s", "", "x"), -1);
	ck_assert_int_eq(say("", "k", "x"), -1);
	ck_assert_int_eq(say("s", long_key, "x"), -1);
	ck_assert_int_eq(say(long_key, "k", "x"), -1);
	ck_assert_int_eq(say("s", "k", "\xff"), -1);
	ck_assert_int_eq(err.code, DROVER_PERMANENT);
	/* Cut on a character: the last two bytes are one. */
	memset(big, 'x', STORE_MEMORY_TEXT + 7);
	memcpy(big + STORE_MEMORY_TEXT - 1, "\xc3\xa9tail", 7);
	ck_assert_int_eq(say("s", "k", big), 1);
	ck_assert_int_eq(store_memory_entries(s, "github", "s", &list, &dropped, &err), 0);
	ck_assert_uint_eq(strlen(json_str(cJSON_GetArrayItem(list, 0), "text", "")),
	    STORE_MEMORY_TEXT - 1);
	cJSON_Delete(list);
	free(big);
	free(long_key);
}
END_TEST

START_TEST(of_too_much_memory_the_oldest_goes)
{
	char key[32], *big = xmalloc(STORE_MEMORY_TEXT + 1);
	int64_t dropped;
	cJSON *list;

	for (int i = 0; i < STORE_MEMORY_ENTRIES + 50; i++) {
		(void)snprintf(key, sizeof key, "k%d", i);
		ck_assert_int_eq(say("many", key, key), 1);
	}
	ck_assert_int_eq(store_memory_entries(s, "github", "many", &list, &dropped, &err), 0);
	ck_assert_int_eq(cJSON_GetArraySize(list), STORE_MEMORY_ENTRIES);
	ck_assert_int_eq(dropped, 50);
	ck_assert_str_eq(json_str(cJSON_GetArrayItem(list, 0), "key", ""), "k50");
	cJSON_Delete(list);
	ck_assert_ptr_eq(strstr(recall("many", 100000),
			     "drover: 50 earlier entries were dropped\n\nuser: k50\n\n"),
	    recall("many", 100000));

	memset(big, 'x', STORE_MEMORY_TEXT);
	big[STORE_MEMORY_TEXT] = '\0';
	for (int i = 0; i < 20; i++) {
		(void)snprintf(key, sizeof key, "k%d", i);
		ck_assert_int_eq(say("large", key, big), 1);
	}
	ck_assert_int_eq(store_memory_entries(s, "github", "large", &list, &dropped, &err), 0);
	ck_assert_int_eq(cJSON_GetArraySize(list), STORE_MEMORY_SUBJECT / STORE_MEMORY_TEXT);
	ck_assert_int_eq(dropped, 20 - STORE_MEMORY_SUBJECT / STORE_MEMORY_TEXT);
	cJSON_Delete(list);
	ck_assert_int_eq(store_memory_subjects(s, NULL, 10, &list, &err), 0);
	ck_assert_int_eq(cJSON_GetArraySize(list), 2);
	cJSON_Delete(list);
	ck_assert_int_eq(store_memory_subjects(s, "jira", 10, &list, &err), 0);
	ck_assert_int_eq(cJSON_GetArraySize(list), 0);
	cJSON_Delete(list);
	free(big);
}
END_TEST

START_TEST(memory_that_nobody_touches_goes_whole)
{
	ck_assert_int_eq(say("old", "k1", "x"), 1);
	ck_assert_int_eq(say("touched", "k1", "x"), 1);
	ck_assert_int_eq(store_do(s, "update memory set at = 1000", NULL, 0, &err), 0);
	ck_assert_int_eq(say("touched", "k2", "y"), 1);
	ck_assert_int_eq(store_memory_prune(s, clock_wall() - 1000, &err), 1);
	ck_assert_str_eq(recall("old", 100), "");
	ck_assert_str_eq(recall("touched", 100), "user: x\n\nuser: y");
}
END_TEST

/*
 * A database of the first release is brought up to date with all that is in it.
 */
START_TEST(the_first_schema_is_migrated)
{
	static const char *const back[] = {
		"drop table notice",
		"drop table refusal",
		"drop table memory",
		"alter table job drop column author",
		"alter table job drop column sha256",
		"delete from schema where version > 1",
		"insert into job (kind, key, trace, priority, state, queued_at, ready_at) values "
		"('a.b', 'k', 't', 0, 'queued', 1, 1)",
		"insert into event (job, at, event, to_state, attempt, epoch) values (1, 1, "
		"'submit', 'queued', 0, 0)",
	};

	for (size_t i = 0; i < ARRAY_LEN(back); i++)
		ck_assert_msg(store_once(s, back[i], &err) == 0, "%s", err.text);
	ck_assert_int_eq(store_commit(s, &err), 0);
	reopen();
	ck_assert_msg(store_check(s, &err) == 0, "%s", err.text);
	ck_assert_int_eq(store_run(s, "select id from job where author is null and sha256 is null",
			     NULL, 0, NULL, NULL, &err),
	    1);
	ck_assert_int_eq(store_run(s, "select id from notice", NULL, 0, NULL, NULL, &err), 0);
	ck_assert_int_eq(refuse("a.b", "k"), 1);
	ck_assert_int_eq(say("s", "k", "x"), 1);
	ck_assert_int_eq(store_commit(s, &err), 0);
}
END_TEST

static void
cases(Suite *suite)
{
	const TTest *const tests[] = {
		a_refusal_is_kept_once,
		cursor_and_refusal_stand_or_fall_together,
		refusals_are_bounded,
		memory_is_added_once_and_read_in_order,
		memory_has_bounds,
		of_too_much_memory_the_oldest_goes,
		memory_that_nobody_touches_goes_whole,
		the_first_schema_is_migrated,
	};
	TCase *tcase = suite_case(suite, "sqlite", setup, teardown);

	for (size_t i = 0; i < ARRAY_LEN(tests); i++)
		tcase_add_test(tcase, tests[i]);
}

SUITE(cases)
