/* SPDX-License-Identifier: Apache-2.0 */
/* A workspace for tests: see slack_kit.h. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "slack_kit.h"

static char *texts[512];
static int ntexts;

const char *
kit_text(const char *format, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, format);
	ck_assert_int_ge(vasprintf(&text, format, ap), 0);
	va_end(ap);
	ck_assert_int_lt(ntexts, 512);
	return texts[ntexts++] = text;
}

void
kit_open(struct kit *kit, const char *const *more)
{
	static const char *const usual[] = { "api_url", "http://127.0.0.1:1/api", "overlap",
		"300000", "since", "600000", "reactions", "1", "marker", "1", "follow_ups", "1",
		"ping_timeout", "30000", NULL };
	size_t i;

	memset(kit, 0, sizeof(*kit));
	kit->fake = fake_new();
	kit->fake->wall = T0;
	kit->fake->monotonic = 5000;
	for (i = 0; usual[i] != NULL; i += 2)
		fake_option(kit->fake, usual[i], usual[i + 1]);
	for (i = 0; more != NULL && more[i] != NULL; i += 2)
		fake_option(kit->fake, more[i], more[i + 1]);
	fake_secret(kit->fake, "bot_token", "xoxb-secret");
	fake_repo(kit->fake, "web", "https://github.example/acme/web.git", "github");
	fake_trust(kit->fake, "workspace");
	fake_serve(kit->fake, "POST", "/auth.test", 200,
	    "x-oauth-scopes: chat:write,channels:history",
	    "{\"ok\":true,\"url\":\"https://acme.slack.com/"
	    "\",\"user\":\"drover\",\"team_id\":\"T1\",\"user_id\":\"U0BOT\",\"bot_id\":\"B0\"}");
	fake_serve(kit->fake, "GET", "/users.conversations", 200, NULL,
	    "{\"ok\":true,\"channels\":[{\"id\":\"C1\",\"name\":\"web\"},{\"id\":\"C9\",\"name\":"
	    "\"old\",\"is_archived\":true}],"
	    "\"response_metadata\":{\"next_cursor\":\"\"}}");
	fake_serve(kit->fake, "GET", "/users.info?user=U1", 200, NULL,
	    "{\"ok\":true,\"user\":{\"id\":\"U1\",\"team_id\":\"T1\",\"name\":\"ana\",\"profile\":{"
	    "\"display_name\":\"Ana\"}}}");
	fake_serve(kit->fake, "GET", "/users.info?user=U2", 200, NULL,
	    "{\"ok\":true,\"user\":{\"id\":\"U2\",\"team_id\":\"T1\",\"name\":\"eve\",\"is_"
	    "restricted\":true}}");
	fake_serve(kit->fake, "GET", "/users.info?user=U3", 200, NULL,
	    "{\"ok\":true,\"user\":{\"id\":\"U3\",\"team_id\":\"T1\",\"is_bot\":true}}");
	kit->plugin = fake_load("slack");
	kit->source = kit->plugin->sources[0];
	ck_assert_int_eq(kit->source->open(&kit->fake->scope, NULL, &kit->state, &kit->err), 0);
}

void
kit_close(struct kit *kit)
{
	kit->source->close(&kit->fake->scope, kit->state);
	fake_free(kit->fake);
	while (ntexts > 0)
		free(texts[--ntexts]);
}

int
kit_poll(struct kit *kit)
{
	kit->fake->monotonic += 30000;
	kit->fake->wall += 30000;
	return fake_poll(kit->fake, kit->source, kit->state, &kit->err);
}

void
kit_history(struct kit *kit, const char *channel, const char *messages)
{
	fake_answer(kit->fake, "GET", kit_text("/conversations.history?channel=%s&", channel), 200,
	    NULL, kit_text("{\"ok\":true,\"messages\":[%s],\"has_more\":false}", messages));
}

void
kit_replies(struct kit *kit, const char *channel, const char *thread, const char *messages)
{
	fake_answer(kit->fake, "GET",
	    kit_text("/conversations.replies?channel=%s&ts=%s&", channel, thread), 200, NULL,
	    kit_text("{\"ok\":true,\"messages\":[%s],\"has_more\":false}", messages));
}

const char *
kit_message(struct kit *kit, const char *user, int s, const char *text, const char *more)
{
	return kit_text("{\"type\":\"message\",\"user\":\"%s\",\"ts\":\"%" PRId64
			".000100\",\"text\":\"%s\"%s}",
	    user, T0 / 1000 + s, text, more != NULL ? more : "");
}
