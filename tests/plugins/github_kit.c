/* SPDX-License-Identifier: Apache-2.0 */
/* See github_kit.h. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "github_kit.h"

struct fake *kit;
const struct drover_plugin *kit_plugin;
void *kit_state;
struct drover_error kit_err;

static char *texts[512];
static int ntexts;

void
kit_setup(void)
{
	kit = fake_new();
	kit->wall = KIT_NOW;
	kit_plugin = fake_load("github");
	fake_option(kit, "api_url", "https://api.github.test");
	fake_option(kit, "since", "86400000");
	fake_option(kit, "overlap", "60000");
	fake_option(kit, "marker", "1");
	fake_repo(kit, "web", "https://github.com/acme/web.git", "github");
	fake_trust(kit, "member");
	fake_secret(kit, "token", "ghp_secret\n");
	fake_serve(kit, "GET", "/user", 200, NULL, "{\"login\":\"drover-bot\",\"id\":1}");
	memset(&kit_err, 0, sizeof(kit_err));
	ck_assert_msg(kit_plugin->open(&kit->scope, &kit_state, &kit_err) == 0, "%s", kit_err.text);
}

void
kit_teardown(void)
{
	kit_plugin->close(&kit->scope, kit_state);
	fake_free(kit);
	while (ntexts > 0)
		free(texts[--ntexts]);
}

const struct drover_source *
kit_source(const char *name)
{
	int i;

	for (i = 0; strcmp(kit_plugin->sources[i]->name, name) != 0; i++)
		continue;
	return kit_plugin->sources[i];
}

const struct drover_pipeline *
kit_pipeline(const char *name)
{
	int i;

	for (i = 0; strcmp(kit_plugin->pipelines[i]->name, name) != 0; i++)
		continue;
	return kit_plugin->pipelines[i];
}

const struct drover_operation *
kit_operation(const char *name)
{
	int i;

	for (i = 0; strcmp(kit_plugin->operations[i]->name, name) != 0; i++)
		continue;
	return kit_plugin->operations[i];
}

const char *
kit_text(const char *format, ...)
{
	va_list ap;

	ck_assert_int_lt(ntexts, 512);
	va_start(ap, format);
	ck_assert_int_ge(vasprintf(&texts[ntexts], format, ap), 0);
	va_end(ap);
	return texts[ntexts++];
}

const char *
kit_comment(const char *id, int number, const char *login, const char *association,
    const char *time, const char *body, const char *path, const char *extra)
{
	const char *more = path == NULL ?
	    kit_text("\"issue_url\":\"https://api.github.test/repos/acme/web/issues/%d\","
		     "\"html_url\":\"https://github.test/acme/web/pull/%d#issuecomment-%s\"",
		number, number, id) :
	    kit_text("\"pull_request_url\":\"https://api.github.test/repos/acme/web/pulls/"
		     "%d\",\"path\":\"%s\",\"line\":3,\"diff_hunk\":\"@@ -1 +1 @@\","
		     "\"html_url\":\"https://github.test/acme/web/pull/%d#discussion_r%s\"",
		number, path, number, id);

	return kit_text("{\"id\":%s,\"user\":{\"login\":\"%s\",\"type\":\"User\"},\"author_"
			"association\":\"%s\",\"body\":\"%s\","
			"\"created_at\":\"2026-11-21T%sZ\",\"updated_at\":\"2026-11-21T%sZ\",%s%s}",
	    id, login, association, body, time, time, more, extra);
}

const char *
kit_pull(int number, const char *login, const char *branch, const char *time, const char *body)
{
	return kit_text("{\"id\":%d,\"number\":%d,\"state\":\"open\",\"title\":\"Pull "
			"%d\",\"user\":{\"login\":\"%s\",\"type\":\"User\"},\"author_association\":"
			"\"MEMBER\","
			"\"body\":\"%s\",\"created_at\":\"2026-11-21T09:00:00Z\",\"updated_at\":"
			"\"2026-11-21T%sZ\",\"html_url\":\"https://github.test/acme/web/pull/%d\","
			"\"head\":{\"ref\":\"%s\",\"sha\":\"abc\",\"repo\":{\"full_name\":\"acme/"
			"web\"}},\"base\":{\"ref\":\"main\",\"repo\":{\"full_name\":\"acme/"
			"web\"}}}",
	    1000 + number, number, number, login, body, time, number, branch);
}

void
kit_quiet(void)
{
	fake_serve(kit, "GET", KIT_REPO "/issues/comments?", 200, NULL, "[]");
	fake_serve(kit, "GET", KIT_REPO "/pulls/comments?", 200, NULL, "[]");
	fake_serve(kit, "GET", KIT_REPO "/pulls?", 200, NULL, "[]");
	fake_serve(kit, "GET", KIT_REPO "/issues?", 200, NULL, "[]");
}

int
kit_run(const struct drover_pipeline *pipeline, const char *payload)
{
	const char *kind = kit_text("github.%s", pipeline->name);
	struct drover_job job = {
		.size = sizeof(job),
		.attempt = 1,
		.id = 1,
		.epoch = 1,
		.kind = kind,
		.key = "k",
		.trace = "0af7651916cd43dd8448eb211c80319c",
		.title = "t",
		.repo = "web",
		.agent = "",
		.payload = payload,
		.payload_len = strlen(payload),
		.source = kind,
	};

	memset(&kit_err, 0, sizeof(kit_err));
	return pipeline->run(&kit->scope, kit_state, &job, &kit_err);
}
