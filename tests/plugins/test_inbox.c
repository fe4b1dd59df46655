/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The source inbox.folder: what becomes of files that are dropped into its
 * folder.
 */
#define _GNU_SOURCE
#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "box.h"
#include "suite.h"

#define TICKET "# Fix the login\n\nIt fails with an empty password.\n"
#define RESULT \
	"{\"branch\":\"drover/fix\",\"commit\":\"0123abc\",\"checks\":\"1\",\"followups\":\"1\"," \
	"\"tokens_input\":\"10\",\"agent_text\":\"Did it.\\n```\\n# no heading\",\"more\":2}"

static struct box box;
static struct fake *fake;

static void
setup(void)
{
	box_open(&box, NULL);
	fake = box.fake;
}

static void
teardown(void)
{
	box_close(&box);
}

/* The name that a ticket has in working/. */
static void
working(char *out, size_t size, const char *name, const char *key)
{
	snprintf(out, size, "%.*s.%s.md", (int)strlen(name) - 3, name, strrchr(key, '@') + 1);
}

START_TEST(a_ticket_becomes_a_job)
{
	struct fake_item *item = &fake->emitted[0];
	char name[256];

	box_ticket(&box, "login.md", TICKET);
	ck_assert_int_eq(box_poll(&box), 0);
	ck_assert_int_eq(fake->njobs, 1);
	ck_assert_str_eq(item->kind, "inbox.ticket");
	ck_assert_str_eq(item->title, "Fix the login");
	ck_assert_str_eq(item->repo, "web");
	ck_assert_str_eq(item->agent, "");
	ck_assert_str_eq(item->pool, "");
	ck_assert_int_eq(item->priority, 0);
	ck_assert_uint_eq(item->payload_len, strlen(TICKET));
	ck_assert_int_eq(memcmp(item->payload, TICKET, strlen(TICKET)), 0);
	ck_assert_int_eq(strncmp(item->key, "login.md@", 9), 0);
	ck_assert_int_eq(box_has(&box, ".", "login.md"), 1);
	ck_assert_int_eq(fake->again, 100);

	ck_assert_int_eq(box_poll(&box), 0);
	ck_assert_int_eq(fake->nemitted, 0);
	ck_assert_int_eq(box_has(&box, ".", "login.md"), 0);
	working(name, sizeof(name), "login.md", fake->jobs[0].item.key);
	ck_assert_int_eq(box_has(&box, "working", name), 1);
	ck_assert_str_eq(fake->kept_cursor, "");
	ck_assert_int_eq(fake->again, 0);
}
END_TEST

START_TEST(a_head_overrides_the_defaults)
{
	struct fake_item *item = &fake->emitted[0];

	box_ticket(&box, "a.md",
	    "repo: api\r\nAgent: codex\nPool:heavy\nPOOL: heavy\nPriority: -7\n\nDo it.\n");
	ck_assert_int_eq(box_poll(&box), 0);
	ck_assert(box_says(&box, "rejected", "a.report.md", "Line 3"));

	box_ticket(&box, "a.md",
	    "repo: api\r\nAgent: codex\nPOOL: heavy\nPriority: -7\n\nDo it.\n");
	ck_assert_int_eq(box_poll(&box), 0);
	ck_assert_str_eq(item->title, "Do it.");
	ck_assert_str_eq(item->repo, "api");
	ck_assert_str_eq(item->agent, "codex");
	ck_assert_str_eq(item->pool, "heavy");
	ck_assert_int_eq(item->priority, -7);
}
END_TEST

START_TEST(success_moves_to_done)
{
	box_ticket(&box, "login.md", TICKET);
	box_poll(&box);
	box_poll(&box);
	ck_assert_int_eq(fake_settle(fake, box.source, box.state, 0, "succeeded", RESULT, &box.err),
	    0);
	ck_assert_int_eq(box_count(&box, "working"), 0);
	ck_assert_int_eq(box_count(&box, "done"), 2);
	ck_assert(box_says(&box, "done", "login.md", TICKET));
	ck_assert(box_says(&box, "done", "login.report.md",
	    "# Fix the login\n\n- Job: 1\n- Ticket: login.md\n- State: succeeded\n- Attempts: "
	    "2\n"));
	ck_assert(box_says(&box, "done", "login.report.md",
	    "- Queued: 2023-11-14T22:13:20Z\n- Waited: 12.0 s\n- Took: 3 min 20 s\n"));
	ck_assert(box_says(&box, "done", "login.report.md",
	    "- Trace: 0af7651916cd43dd8448eb211c80319c\n- Branch: drover/fix\n- Commit: "
	    "0123abc\n"));
	ck_assert(box_says(&box, "done", "login.report.md",
	    "- Checks: passed\n- Follow-ups: 1\n- Tokens read: 10\n- more: 2\n"));
	ck_assert(box_says(&box, "done", "login.report.md",
	    "````text\nDid it.\n```\n# no heading\n````\n"));
}
END_TEST

START_TEST(failure_moves_to_failed)
{
	box_ticket(&box, "a.md", TICKET);
	box_ticket(&box, "b.md", TICKET);
	box_poll(&box);
	box_poll(&box);
	ck_assert_int_eq(fake_settle(fake, box.source, box.state, 0, "dead", "not JSON", &box.err),
	    0);
	ck_assert_int_eq(fake_settle(fake, box.source, box.state, 1, "cancelled", "{}", &box.err),
	    0);
	ck_assert_int_eq(box_count(&box, "failed"), 4);
	ck_assert(
	    box_says(&box, "failed", "a.report.md", "- State: dead\n- Error: the checks failed\n"));
	ck_assert(box_says(&box, "failed", "b.report.md", "- State: cancelled\n"));
}
END_TEST

START_TEST(settling_comes_before_the_next_poll)
{
	box_ticket(&box, "a.md", TICKET);
	box_poll(&box);
	ck_assert_int_eq(fake_settle(fake, box.source, box.state, 0, "succeeded", "{}", &box.err),
	    0);
	ck_assert_int_eq(box_has(&box, "done", "a.md"), 1);
	ck_assert_int_eq(box_has(&box, ".", "a.md"), 0);

	box_ticket(&box, "a.md", TICKET);
	ck_assert_int_eq(box_poll(&box), 0);
	ck_assert_int_eq(fake->njobs, 2);
	ck_assert_int_eq(box_has(&box, ".", "a.md"), 1);
}
END_TEST

START_TEST(settling_twice_is_settling_once)
{
	int i;

	for (i = 0; i < 3; i++) {
		box_ticket(&box, "a.md", TICKET);
		box_poll(&box);
		box_poll(&box);
		ck_assert_int_eq(fake->njobs, i + 1);
		ck_assert_int_eq(fake_settle(fake, box.source, box.state, i, "succeeded", "{}",
				     &box.err),
		    0);
		ck_assert_int_eq(fake_settle(fake, box.source, box.state, i, "succeeded", "{}",
				     &box.err),
		    0);
		ck_assert_int_eq(box_count(&box, "done"), 2 * (i + 1));
	}
	ck_assert_int_eq(box_has(&box, "done", "a.3.md"), 1);
	ck_assert(box_says(&box, "done", "a.3.report.md", "- Job: 3\n"));
	ck_assert_int_eq(fake_settle(fake, box.source, box.state, 0, "succeeded", "{}", &box.err),
	    0);
	ck_assert_int_eq(box_count(&box, "done"), 6);
}
END_TEST

START_TEST(the_same_ticket_again_waits_for_its_turn)
{
	box_ticket(&box, "a.md", TICKET);
	box_poll(&box);
	box_poll(&box);
	box_ticket(&box, "a.md", TICKET);
	ck_assert_int_eq(box_poll(&box), 0);
	ck_assert_int_eq(box_poll(&box), 0);
	ck_assert_int_eq(fake->njobs, 1);
	ck_assert_int_eq(box_has(&box, ".", "a.md"), 1);
	ck_assert_str_eq(strstr(fake->log, "a.md stays"),
	    "a.md stays in the folder: the same ticket is being worked on\n");
	fake_settle(fake, box.source, box.state, 0, "succeeded", "{}", &box.err);
	ck_assert_int_eq(box_poll(&box), 0);
	ck_assert_int_eq(fake->njobs, 2);
}
END_TEST

START_TEST(a_change_after_the_emit_is_another_ticket)
{
	box_ticket(&box, "a.md", TICKET);
	box_poll(&box);
	box_ticket(&box, "a.md", "# Something else\n");
	ck_assert_int_eq(box_poll(&box), 0);
	ck_assert_int_eq(fake->njobs, 2);
	ck_assert_str_ne(fake->jobs[0].item.key, fake->jobs[1].item.key);
	ck_assert_int_eq(fake_settle(fake, box.source, box.state, 0, "succeeded", "{}", &box.err),
	    0);
	ck_assert(box_says(&box, "done", "a.md", TICKET));
	ck_assert_int_eq(box_poll(&box), 0);
	ck_assert_int_eq(fake_settle(fake, box.source, box.state, 1, "succeeded", "{}", &box.err),
	    0);
	ck_assert(box_says(&box, "done", "a.2.md", "# Something else\n"));
	ck_assert_int_eq(fake->njobs, 2);
}
END_TEST

START_TEST(a_touched_ticket_is_the_same)
{
	char path[512];

	box_ticket(&box, "a.md", TICKET);
	box_poll(&box);
	snprintf(path, sizeof(path), "%s/a.md", box.path);
	ck_assert_int_eq(utimensat(AT_FDCWD, path, NULL, 0), 0);
	ck_assert_int_eq(box_poll(&box), 0);
	ck_assert_int_eq(fake->njobs, 1);
	ck_assert_int_eq(box_count(&box, "working"), 1);
}
END_TEST

START_TEST(what_lies_in_working_is_never_replaced)
{
	char name[256], path[300];

	box_ticket(&box, "a.md", TICKET);
	box_poll(&box);
	working(name, sizeof(name), "a.md", fake->jobs[0].item.key);
	snprintf(path, sizeof(path), "working/%s", name);
	box_ticket(&box, path, "mine\n");
	ck_assert_int_eq(box_poll(&box), 0);
	ck_assert(box_says(&box, "working", name, "mine"));
	ck_assert_int_eq(box_has(&box, ".", "a.md"), 1);
	ck_assert_int_eq(fake->njobs, 1);
}
END_TEST

START_TEST(a_lost_ticket_is_restored_from_the_job)
{
	char path[512];

	box_ticket(&box, "a.md", TICKET);
	box_poll(&box);
	snprintf(path, sizeof(path), "%s/a.md", box.path);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(box_poll(&box), 0);
	ck_assert_int_eq(fake_settle(fake, box.source, box.state, 0, "dead", "{}", &box.err), 0);
	ck_assert(box_says(&box, "failed", "a.md", TICKET));
}
END_TEST

START_TEST(a_young_ticket_waits)
{
	box_put(&box, "a.md", TICKET, strlen(TICKET), 200);
	ck_assert_int_eq(box_poll(&box), 0);
	ck_assert_int_eq(fake->njobs, 0);
	ck_assert_int_eq(fake->again, 1000);
	fake->wall += 1000;
	ck_assert_int_eq(box_poll(&box), 0);
	ck_assert_int_eq(fake->njobs, 1);
}
END_TEST

START_TEST(a_ticket_from_the_future_waits_until_it_rests)
{
	box_put(&box, "a.md", TICKET, strlen(TICKET), -3600000);
	ck_assert_int_eq(box_poll(&box), 0);
	fake->monotonic += 500;
	ck_assert_int_eq(box_poll(&box), 0);
	ck_assert_int_eq(fake->njobs, 0);
	box_put(&box, "a.md", TICKET "more\n", strlen(TICKET) + 5, -3600000);
	fake->monotonic += 700;
	ck_assert_int_eq(box_poll(&box), 0);
	ck_assert_int_eq(fake->njobs, 0);
	fake->monotonic += 1000;
	ck_assert_int_eq(box_poll(&box), 0);
	ck_assert_int_eq(fake->njobs, 1);
}
END_TEST

START_TEST(a_ticket_that_is_being_written_waits)
{
	char path[512];
	int fd;

	box_ticket(&box, "a.md", TICKET);
	snprintf(path, sizeof(path), "%s/a.md", box.path);
	ck_assert_int_ne(fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC), -1);
	ck_assert_int_eq(box_poll(&box), 0);
	ck_assert_int_eq(fake->njobs, 0);
	ck_assert_int_eq(box_count(&box, "rejected"), 0);
	close(fd);
	ck_assert_int_eq(box_poll(&box), 0);
	ck_assert_int_eq(fake->njobs, 1);
}
END_TEST

START_TEST(a_ticket_that_is_opened_after_the_emit_is_no_second_job)
{
	char path[512];
	int fd, i;

	box_ticket(&box, "a.md", TICKET);
	box_poll(&box);
	snprintf(path, sizeof(path), "%s/a.md", box.path);
	ck_assert_int_ne(fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC), -1);
	for (i = 0; i < 3; i++)
		ck_assert_int_eq(box_poll(&box), 0);
	ck_assert_int_eq(fake_settle(fake, box.source, box.state, 0, "succeeded", "{}", &box.err),
	    DROVER_AGAIN);
	ck_assert_int_eq(box_count(&box, "done"), 1);
	fake->closes = fd;
	ck_assert_int_eq(box_poll(&box), 0);
	ck_assert_int_eq(fake->nemitted, 0);
	ck_assert_int_eq(box_poll(&box), 0);
	ck_assert_int_eq(fake->njobs, 1);
	ck_assert_int_eq(box_count(&box, "working"), 1);
	ck_assert_int_eq(fake_settle(fake, box.source, box.state, 0, "succeeded", "{}", &box.err),
	    0);
	ck_assert_int_eq(box_count(&box, "done"), 2);
	ck_assert_int_eq(box_count(&box, "working"), 0);
}
END_TEST

static const struct {
	const char *text;
	size_t len;
	const char *why;
} malformed[] = {
#define BAD(text, why) { text, sizeof(text) - 1, why }
	BAD("", "The file has no line of text."),
	BAD(" \n\t\r\n\n", "The file has no line of text"),
	BAD("Repo: web\n\n", "no line of text below its head"),
	BAD("\xff\xfe# T\n", "not UTF-8"),
	BAD("# T\xc0\xaf\n", "not UTF-8"),
	BAD("# T\0\n", "not UTF-8"),
	BAD("Reop: web\n\n# T\n", "Line 1: there is no key \"Reop\""),
	BAD("Repo: web\nsome text\n\n# T\n", "Line 2 is part of the head"),
	BAD("Repo:\n\n# T\n", "Line 1: Repo takes a name"),
	BAD("Repo: ../x\n\n# T\n", "Line 1: Repo takes a name"),
	BAD("Repo: a b\n\n# T\n", "Line 1: Repo takes a name"),
	BAD("Repo: a\nREPO: b\n\n# T\n", "Line 2: Repo is given twice"),
	BAD("Priority: high\n\n# T\n", "Line 1: Priority takes a whole number"),
	BAD("Priority: 101\n\n# T\n", "Line 1: Priority takes a whole number"),
	BAD("Priority: 99999999999\n\n# T\n", "Line 1: Priority takes a whole number"),
	BAD("---\nRepo: web\n# T\n", "Line 1 opens a head"),
	BAD("---\ntitle: x\n---\n# T\n", "Line 2: there is no key \"title\""),
};

START_TEST(what_is_malformed_is_rejected)
{
	box_put(&box, "bad.md", malformed[_i].text, malformed[_i].len, 60000);
	ck_assert_int_eq(box_poll(&box), 0);
	ck_assert_int_eq(fake->njobs, 0);
	ck_assert_int_eq(box_has(&box, ".", "bad.md"), 0);
	ck_assert_int_eq(box_has(&box, "rejected", "bad.md"), 1);
	ck_assert(box_says(&box, "rejected", "bad.report.md", "# Rejected: bad.md\n"));
	ck_assert(box_says(&box, "rejected", "bad.report.md", malformed[_i].why));
}
END_TEST

START_TEST(a_large_file_is_rejected)
{
	char *text = malloc(DROVER_PAYLOAD_MAX + 1);

	memset(text, 'x', DROVER_PAYLOAD_MAX + 1);
	box_put(&box, "fits.md", text, DROVER_PAYLOAD_MAX, 60000);
	box_put(&box, "large.md", text, DROVER_PAYLOAD_MAX + 1, 60000);
	free(text);
	ck_assert_int_eq(box_poll(&box), 0);
	ck_assert_int_eq(fake->njobs, 1);
	ck_assert_uint_eq(fake->emitted[0].payload_len, DROVER_PAYLOAD_MAX);
	ck_assert(box_says(&box, "rejected", "large.report.md", "larger than 65536 bytes"));
}
END_TEST

START_TEST(rejected_files_do_not_replace_each_other)
{
	int i;

	for (i = 0; i < 3; i++) {
		box_ticket(&box, "a.md", i == 0 ? "Bug: x\n" : i == 1 ? "Foo: x\n" : "");
		ck_assert_int_eq(box_poll(&box), 0);
	}
	ck_assert_int_eq(box_count(&box, "rejected"), 6);
	ck_assert(box_says(&box, "rejected", "a.md", "Bug"));
	ck_assert(box_says(&box, "rejected", "a.2.report.md", "Foo"));
	ck_assert(box_says(&box, "rejected", "a.3.report.md", "no line of text"));
}
END_TEST

START_TEST(a_ticket_without_a_repository_is_rejected)
{
	struct box bare;

	box_open(&bare, "");
	box_ticket(&bare, "a.md", TICKET);
	ck_assert_int_eq(box_poll(&bare), 0);
	ck_assert_int_eq(bare.fake->njobs, 0);
	ck_assert(box_says(&bare, "rejected", "a.report.md", "names no repository"));
	box_close(&bare);
}
END_TEST

START_TEST(what_the_daemon_refuses_is_rejected)
{
	fake->emit_code = DROVER_PERMANENT;
	box_ticket(&box, "a.md", TICKET);
	ck_assert_int_eq(box_poll(&box), 0);
	ck_assert(box_says(&box, "rejected", "a.report.md",
	    "The daemon refused the ticket: no such repository"));
}
END_TEST

START_TEST(trouble_leaves_everything_as_it_was)
{
	fake->emit_code = DROVER_AGAIN;
	box_ticket(&box, "a.md", TICKET);
	ck_assert_int_eq(box_poll(&box), DROVER_AGAIN);
	ck_assert_int_eq(box_has(&box, ".", "a.md"), 1);
	fake->emit_code = 0;
	fake->available = DROVER_AGAIN;
	ck_assert_int_eq(box_poll(&box), DROVER_AGAIN);
	fake->available = 1;
	ck_assert_int_eq(box_poll(&box), 0);
	ck_assert_int_eq(fake->njobs, 1);
}
END_TEST

START_TEST(what_is_no_regular_file_stays)
{
	char path[512], other[512];
	int i;

	snprintf(path, sizeof(path), "%s/fifo.md", box.path);
	ck_assert_int_eq(mkfifo(path, 0644), 0);
	snprintf(path, sizeof(path), "%s/dir.md", box.path);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/link.md", box.path);
	ck_assert_int_eq(symlink("/etc/passwd", path), 0);
	box_ticket(&box, "one.md", TICKET);
	snprintf(path, sizeof(path), "%s/one.md", box.path);
	snprintf(other, sizeof(other), "%s/two.md", box.path);
	ck_assert_int_eq(link(path, other), 0);
	box_ticket(&box, ".hidden.md", TICKET);
	box_ticket(&box, "a.report.md", TICKET);
	box_ticket(&box, "a.txt", TICKET);
	for (i = 0; i < 3; i++)
		ck_assert_int_eq(box_poll(&box), 0);
	ck_assert_int_eq(fake->njobs, 0);
	ck_assert_int_eq(box_count(&box, "rejected"), 0);
	ck_assert_int_eq(box_count(&box, "."), 11);
	ck_assert_ptr_eq(strstr(strstr(fake->log, "link.md stays") + 1, "link.md stays"), NULL);
}
END_TEST

static const char *const hostile[] = {
	"$(touch x); rm -rf ~.md",
	"-rf.md",
	"new\nline.md",
	"100%.md",
	"%41@%2F.md",
	"quote'\"`.md",
	"\xe6\x97\xa5\xe6\x9c\xac.md",
	"\xff\xfe\x01.md",
	"..md",
	" .md",
	"a@0123456789abcdef.md",
	"\xe2\x80\xaetxt.md",
	"..a.md",
	"\\.md",
	"\x1b[31m.md",
};

START_TEST(hostile_names_live_a_whole_life)
{
	const char *name = hostile[_i];
	bool hidden = name[0] == '.';

	box_ticket(&box, name, TICKET);
	ck_assert_int_eq(box_poll(&box), 0);
	ck_assert_int_eq(fake->njobs, hidden ? 0 : 1);
	if (hidden)
		return;
	ck_assert_int_eq(box_poll(&box), 0);
	ck_assert_int_eq(box_has(&box, ".", name), 0);
	ck_assert_int_eq(box_count(&box, "working"), 1);
	ck_assert_int_eq(fake_settle(fake, box.source, box.state, 0, "succeeded", "{}", &box.err),
	    0);
	ck_assert_int_eq(box_has(&box, "done", name), 1);
	ck_assert_int_eq(box_count(&box, "done"), 2);
	ck_assert_int_eq(box_count(&box, "working"), 0);
	ck_assert_int_eq(box_count(&box, "."), 4);
}
END_TEST

START_TEST(long_names)
{
	char name[256];

	memset(name, 'n', sizeof(name));
	memcpy(name + 235, ".md", 4);
	box_ticket(&box, name, TICKET);
	memcpy(name + 252, ".md", 4);
	memset(name + 235, 'm', 17);
	box_ticket(&box, name, TICKET);
	ck_assert_int_eq(box_poll(&box), 0);
	ck_assert_int_eq(box_poll(&box), 0);
	ck_assert_int_eq(fake->njobs, 1);
	ck_assert_int_eq(box_count(&box, "working"), 1);
	ck_assert_int_eq(box_count(&box, "rejected"), 2);
	ck_assert_int_eq(fake_settle(fake, box.source, box.state, 0, "succeeded", "{}", &box.err),
	    0);
	ck_assert_int_eq(box_count(&box, "working"), 0);
	ck_assert_int_eq(box_count(&box, "done"), 2);
}
END_TEST

START_TEST(a_thousand_tickets_are_a_thousand_jobs)
{
	char name[32], text[64];
	int i, polls;

	for (i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "%d.md", i);
		snprintf(text, sizeof(text), "# Ticket %d\n", i);
		box_put(&box, name, text, strlen(text), 1000000 - i * 10);
	}
	fake->available = 100000;
	for (polls = 0; polls < 10 && (polls == 0 || fake->nemitted > 0); polls++)
		ck_assert_int_eq(box_poll(&box), 0);
	ck_assert_int_eq(polls, 3);
	ck_assert_int_eq(fake->njobs, 1000);
	ck_assert_str_eq(fake->jobs[0].item.title, "Ticket 0");
	ck_assert_str_eq(fake->jobs[999].item.title, "Ticket 999");
	ck_assert_int_eq(box_count(&box, "working"), 1000);
	ck_assert_int_eq(box_count(&box, "."), 4);
}
END_TEST

START_TEST(long_keys_fill_the_cursor_and_lose_nothing)
{
	char name[256];
	int i, polls;

	memset(name, 'k', sizeof(name));
	for (i = 0; i < 400; i++) {
		snprintf(name + 200, 56, "%030d.md", i);
		box_ticket(&box, name, TICKET);
	}
	fake->available = 1000;
	for (polls = 0; polls < 10 && (polls == 0 || fake->nemitted > 0); polls++)
		ck_assert_int_eq(box_poll(&box), 0);
	ck_assert_int_eq(fake->njobs, 400);
	ck_assert_int_eq(box_count(&box, "working"), 400);
}
END_TEST

START_TEST(no_room_moves_but_emits_nothing)
{
	box_ticket(&box, "a.md", TICKET);
	fake->available = 1;
	ck_assert_int_eq(box_poll(&box), 0);
	box_ticket(&box, "b.md", TICKET);
	fake->available = 0;
	ck_assert_int_eq(box_poll(&box), 0);
	ck_assert_int_eq(fake->njobs, 1);
	ck_assert_int_eq(box_count(&box, "working"), 1);
	ck_assert_int_eq(box_has(&box, ".", "b.md"), 1);
}
END_TEST

START_TEST(a_foreign_cursor_does_no_harm)
{
	static const char *const cursors[] = {
		"garbage",
		"\n\n\n",
		"1 \n2 @\n",
		"18446744073709551616 a.md@0123456789abcdef\n",
		"1 ../../etc/passwd@0123456789abcdef\n",
		"1 ..@0123456789abcdef\n",
		"1 %2@0123456789abcdef\n",
		"1 a.md@0123456789abcdeF\n1",
	};
	size_t i;

	box_ticket(&box, "a.md", TICKET);
	for (i = 0; i < sizeof(cursors) / sizeof(cursors[0]); i++) {
		snprintf(fake->kept_cursor, sizeof(fake->kept_cursor), "%s", cursors[i]);
		fake->available = 0;
		ck_assert_int_eq(box_poll(&box), 0);
		ck_assert_str_eq(fake->kept_cursor, "");
	}
	ck_assert_int_eq(box_has(&box, ".", "a.md"), 1);
}
END_TEST

START_TEST(a_folder_that_cannot_be_written_is_a_wrong_configuration)
{
	const struct drover_source *source = box.source;
	int status;
	pid_t pid;

	ck_assert_int_eq(chmod(box.path, 0555), 0);
	ck_assert_int_ne(pid = fork(), -1);
	if (pid == 0) {
		struct drover_error err = { 0 };
		void *state;

		if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
			_exit(9);
		if (source->open(&fake->scope, NULL, &state, &err) != DROVER_CONFIG ||
		    strstr(err.text, box.path) == NULL)
			_exit(1);
		if (source->poll(&fake->scope, box.state, NULL, &err) != DROVER_CONFIG)
			_exit(2);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(chmod(box.path, 0755), 0);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(a_missing_folder_or_a_link_below_is_a_wrong_configuration)
{
	char path[512];
	void *state;

	snprintf(path, sizeof(path), "%s/working", box.path);
	ck_assert_int_eq(rmdir(path), 0);
	ck_assert_int_eq(symlink("/tmp", path), 0);
	ck_assert_int_eq(box_poll(&box), DROVER_CONFIG);
	ck_assert_ptr_nonnull(strstr(box.err.text, "/working"));
	snprintf(fake->options[0].value, sizeof(fake->options[0].value), "%s/nowhere", box.path);
	ck_assert_int_eq(box.source->open(&fake->scope, NULL, &state, &box.err), DROVER_CONFIG);
	ck_assert_ptr_nonnull(strstr(box.err.text, "nowhere"));
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *t = suite_case(suite, "folder", setup, teardown);

	tcase_add_test(t, a_ticket_becomes_a_job);
	tcase_add_test(t, a_head_overrides_the_defaults);
	tcase_add_test(t, success_moves_to_done);
	tcase_add_test(t, failure_moves_to_failed);
	tcase_add_test(t, settling_comes_before_the_next_poll);
	tcase_add_test(t, settling_twice_is_settling_once);
	tcase_add_test(t, the_same_ticket_again_waits_for_its_turn);
	tcase_add_test(t, a_change_after_the_emit_is_another_ticket);
	tcase_add_test(t, a_touched_ticket_is_the_same);
	tcase_add_test(t, what_lies_in_working_is_never_replaced);
	tcase_add_test(t, a_lost_ticket_is_restored_from_the_job);
	tcase_add_test(t, a_young_ticket_waits);
	tcase_add_test(t, a_ticket_from_the_future_waits_until_it_rests);
	tcase_add_test(t, a_ticket_that_is_being_written_waits);
	tcase_add_test(t, a_ticket_that_is_opened_after_the_emit_is_no_second_job);
	tcase_add_loop_test(t, what_is_malformed_is_rejected, 0,
	    (int)(sizeof(malformed) / sizeof(malformed[0])));
	tcase_add_test(t, a_large_file_is_rejected);
	tcase_add_test(t, rejected_files_do_not_replace_each_other);
	tcase_add_test(t, a_ticket_without_a_repository_is_rejected);
	tcase_add_test(t, what_the_daemon_refuses_is_rejected);
	tcase_add_test(t, trouble_leaves_everything_as_it_was);
	tcase_add_test(t, what_is_no_regular_file_stays);
	tcase_add_loop_test(t, hostile_names_live_a_whole_life, 0,
	    (int)(sizeof(hostile) / sizeof(hostile[0])));
	tcase_add_test(t, long_names);
	tcase_add_test(t, a_thousand_tickets_are_a_thousand_jobs);
	tcase_add_test(t, long_keys_fill_the_cursor_and_lose_nothing);
	tcase_add_test(t, no_room_moves_but_emits_nothing);
	tcase_add_test(t, a_foreign_cursor_does_no_harm);
	tcase_add_test(t, a_folder_that_cannot_be_written_is_a_wrong_configuration);
	tcase_add_test(t, a_missing_folder_or_a_link_below_is_a_wrong_configuration);
}

SUITE(cases)
