/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin for the end-to-end tests: a hook that does what the body says, a
 * source that writes down its polls and may wait in one, a listener that does
 * what a file says, a probe, and an operation that keeps what it is told by
 * key.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <drover/plugin.h>

static const struct drover_option options[] = {
	{ "dir", DROVER_PATH, DROVER_REQUIRED, NULL, "Where it writes down what happens." },
	{ "token", DROVER_STRING, DROVER_SECRET, NULL, "Needed by its probe." },
	{ NULL, 0, 0, NULL, NULL },
};

static const struct drover_option source_options[] = {
	{ "silent", DROVER_STRING, 0, NULL,
	    "URL of a server that never answers: the poll waits for it." },
	{ NULL, 0, 0, NULL, NULL },
};

static int
bell_fail(struct drover_error *err, int code, const char *text)
{
	err->code = code;
	(void)snprintf(err->text, sizeof(err->text), "%s", text);
	return code;
}

/* Appends a line to a file of its folder. */
static int
bell_note(struct drover_scope *scope, const char *file, const char *text, size_t len)
{
	char path[DROVER_PATH_MAX], line[4096];
	int fd, n, rc;

	(void)snprintf(path, sizeof(path), "%s/%s", scope->host->option->string(scope, "dir"),
	    file);
	n = snprintf(line, sizeof(line), "%.*s\n", (int)len, text);
	if (n < 0 || (size_t)n >= sizeof(line) ||
	    (fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) == -1)
		return DROVER_INTERNAL;
	rc = write(fd, line, (size_t)n) == n ? 0 : DROVER_INTERNAL;
	close(fd);
	return rc;
}

/*
 * The first line of a file of its folder, which is gone afterwards; 0: there is
 * none.
 */
static int
bell_take(struct drover_scope *scope, const char *file, char *out, size_t size)
{
	char path[DROVER_PATH_MAX];
	FILE *in;
	int found;

	(void)snprintf(path, sizeof(path), "%s/%s", scope->host->option->string(scope, "dir"),
	    file);
	if ((in = fopen(path, "re")) == NULL)
		return 0;
	found = fgets(out, (int)size, in) != NULL;
	(void)fclose(in);
	(void)unlink(path);
	out[found ? strcspn(out, "\n") : 0] = '\0';
	return found;
}

static int
bell_poll(struct drover_scope *scope, void *source, const char *cursor, struct drover_error *err)
{
	const char *silent = scope->host->option->string(scope, "silent");
	struct drover_http_response response = { .size = sizeof(response) };
	struct drover_http_request request = { .size = sizeof(request),
		.method = "GET",
		.path = "/",
		.timeout_ms = 60000,
		.patience_ms = 60000,
		.credential = "bell" };

	if (bell_note(scope, "polls", "poll", 4) < 0)
		return bell_fail(err, DROVER_INTERNAL, "cannot write");
	if (silent == NULL || *silent == '\0')
		return 0;
	request.base = silent;
	(void)scope->host->http->send(scope, &request, &response, err);
	(void)bell_note(scope, "polls", "over", 4);
	return 0;
}

static int
bell_listen(struct drover_scope *scope, void *source, struct drover_error *err)
{
	char deed[64];

	(void)bell_note(scope, "listens", "listen", 6);
	while (!scope->host->queue->cancelled(scope)) {
		(void)poll(NULL, 0, 20);
		if (!bell_take(scope, "listen", deed, sizeof(deed)))
			continue;
		if (strcmp(deed, "crash") == 0)
			return raise(SIGSEGV);
		if (strcmp(deed, "auth") == 0)
			return bell_fail(err, DROVER_AUTH, "the listener's token was refused");
		if (strcmp(deed, "return") == 0)
			return 0;
		if (scope->host->queue->wake(scope, "door", err) < 0)
			return err->code;
	}
	return 0;
}

static int
bell_hook(struct drover_scope *scope, void *plugin, const struct drover_delivery *delivery,
    struct drover_receipt *receipt, struct drover_error *err)
{
	const char *id = "";

	for (uint64_t i = 0; i < delivery->headers_len; i++) {
		if (strcmp(delivery->headers[i].key, "x-delivery") == 0)
			id = delivery->headers[i].value;
	}
	(void)bell_note(scope, "hooks", id, strlen(id));
	(void)snprintf(receipt->id, sizeof(receipt->id), "%s", id);
	if (strcmp(delivery->body, "crash") == 0)
		return raise(SIGSEGV);
	if (strcmp(delivery->body, "auth") == 0)
		return bell_fail(err, DROVER_AUTH, "the signature does not match");
	if (strcmp(delivery->body, "again") == 0)
		return bell_fail(err, DROVER_AGAIN, "later");
	if (strcmp(delivery->body, "hang") == 0) {
		char pid[16];

		(void)bell_note(scope, "hangs", pid,
		    (size_t)snprintf(pid, sizeof(pid), "%d", (int)getpid()));
		for (;;)
			(void)pause();
	}
	if (strncmp(delivery->body, "echo", 4) == 0) {
		receipt->status = 200;
		(void)snprintf(receipt->type, sizeof(receipt->type), "application/json");
		(void)snprintf(receipt->body, sizeof(receipt->body), "{\"bytes\":%llu}",
		    (unsigned long long)delivery->body_len);
		return 0;
	}
	return scope->host->queue->wake(scope, "door", err);
}

static int
bell_probe(struct drover_scope *scope, void *plugin, const char *request, uint64_t len,
    struct drover_error *err)
{
	static const char good[] = "{\"ok\":true,\"as\":\"bell\",\"base\":\"here\",\"checks\":[{"
				   "\"what\":\"token\",\"ok\":true,\"text\":\"works\"}]}";
	static const char bad[] = "{\"ok\":false,\"as\":\"\",\"base\":\"here\",\"checks\":[{"
				  "\"what\":\"token\",\"ok\":false,\"text\":\"is empty\"},"
				  "{\"what\":\"bell\",\"ok\":true,\"text\":\"rings\"}]}";
	char token[64] = "";
	int64_t n = scope->host->secret->get(scope, "token", token, sizeof(token), err);
	int rings = n > 0 && strcmp(token, "ding") == 0;

	memset(token, 0, sizeof(token));
	return scope->host->call->reply(scope, rings ? good : bad,
	    rings ? sizeof(good) - 1 : sizeof(bad) - 1, err);
}

/*
 * Takes {"text", "key"}: writes the request down, once for each key. With the
 * file "shut" there it fails.
 */
static int
bell_ring(struct drover_scope *scope, void *plugin, const char *request, uint64_t len,
    struct drover_error *err)
{
	char path[DROVER_PATH_MAX], seen[8], key[DROVER_KEY_MAX];
	const char *at = strstr(request, "\"key\":\"");
	int64_t n;

	(void)snprintf(path, sizeof(path), "%s/shut", scope->host->option->string(scope, "dir"));
	(void)bell_note(scope, "tries", request, (size_t)len);
	if (access(path, F_OK) == 0)
		return bell_fail(err, DROVER_AGAIN, "the door is shut");
	if (at == NULL)
		return bell_fail(err, DROVER_PERMANENT, "no key");
	(void)snprintf(key, sizeof(key), "rung/%.*s", (int)strcspn(at + 7, "\""), at + 7);
	if ((n = scope->host->kv->get(scope, key, seen, sizeof(seen), err)) >= 0)
		return 0;
	if (bell_note(scope, "rings", request, (size_t)len) < 0 ||
	    scope->host->kv->set(scope, key, "1", err) < 0)
		return DROVER_INTERNAL;
	return scope->host->call->reply(scope, "{\"rung\":true}", 13, err);
}

/* What the payload says: a class to end with. */
static int
bell_run(struct drover_scope *scope, void *plugin, const struct drover_job *job,
    struct drover_error *err)
{
	if (strcmp(job->payload, "pull") == 0)
		return scope->host->queue->result(scope, "pull",
		    "https://forge.example/acme/web/pull/7", err);
	if (strcmp(job->payload, "ask") == 0)
		return bell_fail(err, DROVER_HUMAN, "which of the two pages?");
	if (strcmp(job->payload, "die") == 0)
		return bell_fail(err, DROVER_PERMANENT,
		    "the ticket is gone\nand \033[31mso is its project");
	return 0;
}

static const struct drover_source door = {
	.size = sizeof(struct drover_source),
	.name = "door",
	.summary = "Somebody is there.",
	.options = source_options,
	.interval_ms = 3600000,
	.poll = bell_poll,
	.listen = bell_listen,
};
static const struct drover_pipeline work = {
	.size = sizeof(struct drover_pipeline),
	.name = "work",
	.summary = "Does what its payload says.",
	.run = bell_run,
};
static const struct drover_operation probe = {
	.size = sizeof(struct drover_operation),
	.name = "probe",
	.summary = "Whether the token is right.",
	.call = bell_probe,
};
static const struct drover_operation ring = {
	.size = sizeof(struct drover_operation),
	.name = "ring",
	.summary = "Keeps what it is told.",
	.call = bell_ring,
};

static const struct drover_source *const sources[] = { &door, NULL };
static const struct drover_pipeline *const pipelines[] = { &work, NULL };
static const struct drover_operation *const operations[] = { &probe, &ring, NULL };

const struct drover_plugin drover_plugin_v1 = {
	DROVER_PLUGIN_HEADER,
	.needs_minor = 1,
	.name = "bell",
	.version = "0.1",
	.summary = "For tests: webhooks, listeners, probes and notifications.",
	.options = options,
	.sources = sources,
	.pipelines = pipelines,
	.operations = operations,
	.hook = bell_hook,
};
