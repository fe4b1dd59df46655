/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drover logs and drover events: the output of an attempt, and what happens to
 * jobs. When the connection breaks, both go on where they stopped.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"

#define TRIES_MAX 5
#define AGAIN_MS 1000

struct printer {
	struct cli *cli;
	bool raw;
	int64_t offset;
	struct buf line;
};

struct lines {
	struct cli *cli;
	struct buf line;
	int64_t last;
};

static bool try_again(int tries);
static int print_output(void *arg, const char *data, size_t len);
static int print_event(void *arg, const char *data, size_t len);

int
cmd_logs(struct cli *cli)
{
	struct printer p = { .cli = cli, .raw = cli->width == 0 };
	int64_t attempt, before;
	char *which;
	int status, tries = 0;

	if ((status = cli_number(cli, OPT_ATTEMPT, 0, UINT32_MAX, 0, &attempt)) != CLI_OK ||
	    (status = cli_number(cli, OPT_OFFSET, 0, INT64_MAX, 0, &p.offset)) != CLI_OK)
		return status;
	which = cli_encode(cli->args[0]);
	do {
		before = p.offset;
		status = cli_stream(cli, print_output, &p,
		    "/api/v1/jobs/%s/output?attempt=%lld&offset=%lld&follow=%d", which,
		    (long long)attempt, (long long)p.offset, cli->value[OPT_FOLLOW] != NULL);
		tries = p.offset > before ? 0 : tries + 1;
	} while (status == CLI_DOWN && p.offset > 0 && try_again(tries));
	if (p.line.len > 0)
		cli_print(cli, buf_str(&p.line));
	buf_free(&p.line);
	free(which);
	return status;
}

int
cmd_events(struct cli *cli)
{
	struct lines lines = { .cli = cli };
	int64_t after;
	int status, tries = 0;

	if ((status = cli_number(cli, OPT_AFTER_EVENT, 0, INT64_MAX,
		 cli->value[OPT_FOLLOW] != NULL ? -1 : 0, &after)) != CLI_OK)
		return status;
	lines.last = after;
	do {
		int64_t before = lines.last;

		buf_clear(&lines.line);
		if (lines.last >= 0)
			status = cli_stream(cli, print_event, &lines,
			    "/api/v1/events?follow=%d&after=%lld", cli->value[OPT_FOLLOW] != NULL,
			    (long long)lines.last);
		else
			status = cli_stream(cli, print_event, &lines, "/api/v1/events?follow=1");
		tries = lines.last > before ? 0 : tries + 1;
	} while (status == CLI_DOWN && lines.last > after && try_again(tries));
	buf_free(&lines.line);
	return status;
}

/* Waits before another try: a daemon restarts within seconds. */
static bool
try_again(int tries)
{
	if (tries >= TRIES_MAX)
		return false;
	poll(NULL, 0, AGAIN_MS);
	return true;
}

/*
 * Prints the bytes as they are into a pipe or file, but line by line and made
 * safe on a terminal, because they are untrusted.
 */
static int
print_output(void *arg, const char *data, size_t len)
{
	struct printer *p = arg;

	p->offset += (int64_t)len;
	if (p->raw) {
		fwrite(data, 1, len, p->cli->out);
		return fflush(p->cli->out) != 0;
	}
	while (len > 0) {
		const char *end = memchr(data, '\n', len);
		size_t n = end != NULL ? (size_t)(end - data) : len;

		buf_add(&p->line, data, n);
		if (end != NULL || p->line.len > 4096) {
			struct buf safe = BUF_INIT;

			text_show(&safe, buf_str(&p->line), p->line.len, 4 * p->line.len + 4);
			fprintf(p->cli->out, "%s%s", buf_str(&safe), end != NULL ? "\n" : "");
			buf_free(&safe);
			buf_clear(&p->line);
		}
		n += end != NULL;
		data += n;
		len -= n;
	}
	return fflush(p->cli->out) != 0;
}

static int
print_event(void *arg, const char *data, size_t len)
{
	struct lines *lines = arg;
	char *end;

	buf_add(&lines->line, data, len);
	while (lines->line.len > 0 &&
	    (end = memchr(lines->line.data, '\n', lines->line.len)) != NULL) {
		cJSON *event;

		*end = '\0';
		if (strncmp(lines->line.data, "data: ", 6) == 0) {
			fprintf(lines->cli->out, "%s\n", lines->line.data + 6);
			if ((event = json_parse(lines->line.data + 6, strlen(lines->line.data + 6),
				 1 << 20, NULL)) != NULL)
				lines->last = json_int(event, "id", lines->last);
			cJSON_Delete(event);
		}
		buf_drop(&lines->line, (size_t)(end - lines->line.data) + 1);
	}
	return fflush(lines->cli->out) != 0;
}
