/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to the daemon: HTTP over its Unix socket, by libcurl. Commands call
 * cli_get(), cli_post() and cli_stream(), which turn each failure into one line
 * and an exit status; `drover run` also calls client_ask(), because it goes on
 * after a failure. The first request finds the socket and makes the handle,
 * which the later ones use again; cli_close() frees both.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "config/config.h"

#define ANSWER_MAX ((size_t)64 * 1024 * 1024)
#define CONNECT_S 5L

struct client {
	CURL *curl;
};

struct pieces {
	CURL *curl;
	int (*fn)(void *arg, const char *data, size_t len); /* gets the body of a 200 */
	void *arg;
	struct buf body;              /* of any other answer */
	bool enough;
};

static int request_text(struct cli *, const char *method, const char *path, cJSON *body,
    cJSON **answer);
static int client_perform(struct cli *, const char *method, const char *path, const char *body,
    struct pieces *, long *status, struct error *);
static int client_judge(struct cli *, long status, const struct buf *body);
static size_t client_on_data(char *data, size_t size, size_t n, void *arg);

int
cli_get(struct cli *cli, cJSON **answer, const char *path, ...)
{
	va_list ap;
	char *full;
	int status;

	va_start(ap, path);
	full = xvasprintf(path, ap);
	va_end(ap);
	status = request_text(cli, "GET", full, NULL, answer);
	free(full);
	return status;
}

int
cli_post(struct cli *cli, cJSON *body, cJSON **answer, const char *path, ...)
{
	va_list ap;
	char *full;
	int status;

	va_start(ap, path);
	full = xvasprintf(path, ap);
	va_end(ap);
	status = request_text(cli, "POST", full, body, answer);
	cJSON_Delete(body);
	free(full);
	return status;
}

int
cli_stream(struct cli *cli, int (*fn)(void *arg, const char *data, size_t len), void *arg,
    const char *path, ...)
{
	struct pieces pieces = { .fn = fn, .arg = arg };
	struct error err = { 0 };
	va_list ap;
	char *full;
	long http;
	int status;

	if ((status = cli_socket(cli)) != CLI_OK)
		return status;
	va_start(ap, path);
	full = xvasprintf(path, ap);
	va_end(ap);
	if (client_perform(cli, "GET", full, NULL, &pieces, &http, &err) != 0) {
		cli_fail(cli, &err);
		status = err.code == DROVER_AGAIN ? CLI_DOWN : CLI_FAILED;
	} else
		status = client_judge(cli, http, &pieces.body);
	buf_free(&pieces.body);
	free(full);
	return status;
}

int
client_ask(struct cli *cli, const char *method, const char *path, const cJSON *body, cJSON **answer,
    struct error *err)
{
	struct pieces pieces = { 0 };
	char *text = body != NULL ? json_print(body) : NULL;
	long status = 0;

	if (answer != NULL)
		*answer = NULL;
	if (client_perform(cli, method, path, text, &pieces, &status, err) != 0)
		status = 0;
	else if (answer != NULL)
		*answer = json_parse(buf_str(&pieces.body), pieces.body.len, ANSWER_MAX, NULL);
	buf_free(&pieces.body);
	free(text);
	return (int)status;
}

bool
client_alive(struct cli *cli)
{
	struct error err;

	return cli->socket != NULL && client_ask(cli, "GET", "/healthz", NULL, NULL, &err) != 0;
}

int
cli_socket(struct cli *cli)
{
	const char *given =
	    cli->value[OPT_SOCKET] != NULL ? cli->value[OPT_SOCKET] : getenv("DROVER_SOCKET");
	struct error err = { 0 };
	struct config *config;

	if (cli->socket != NULL)
		return CLI_OK;
	/* A configuration that is given by -c beats the environment. */
	if (given != NULL && *given != '\0' &&
	    (cli->value[OPT_SOCKET] != NULL || cli->value[OPT_CONFIG] == NULL)) {
		cli->socket = xstrdup(given);
		return CLI_OK;
	}
	if ((config = config_look(cli->value[OPT_CONFIG], &err)) == NULL)
		return cli_fail(cli, &err);
	cli->socket = xstrdup(config->socket);
	config_free(config);
	return CLI_OK;
}

void
cli_close(struct cli *cli)
{
	if (cli->client != NULL) {
		curl_easy_cleanup(cli->client->curl);
		free(cli->client);
		cli->client = NULL;
		curl_global_cleanup();
	}
	free(cli->socket);
	cli->socket = NULL;
}

char *
cli_encode(const char *text)
{
	struct buf out = BUF_INIT;

	text_percent(&out, text, strlen(text), TEXT_UNRESERVED);
	return buf_take(&out);
}

int
cli_exit_of(int status, const char *code)
{
	static const struct {
		int status, exit;
		const char *code;      /* NULL: any */
	} exits[] = {
		{ 404, CLI_NOT_FOUND, NULL },
		{ 409, CLI_CONFLICT, "conflict" },
		{ 409, CLI_REFUSED, NULL },
		{ 403, CLI_REFUSED, NULL },
		{ 400, CLI_USAGE, NULL },
		{ 422, CLI_USAGE, NULL },
	};

	if (status >= 200 && status < 300)
		return CLI_OK;
	for (size_t i = 0; i < ARRAY_LEN(exits); i++)
		if (exits[i].status == status &&
		    (exits[i].code == NULL || strcmp(exits[i].code, code) == 0))
			return exits[i].exit;
	return CLI_FAILED;
}

static int
request_text(struct cli *cli, const char *method, const char *path, cJSON *body, cJSON **answer)
{
	struct pieces pieces = { 0 };
	struct error err = { 0 };
	char *text;
	long http;
	int status;

	if (answer != NULL)
		*answer = NULL;
	if ((status = cli_socket(cli)) != CLI_OK)
		return status;
	text = body != NULL ? json_print(body) : NULL;
	if (client_perform(cli, method, path, text, &pieces, &http, &err) != 0) {
		cli_fail(cli, &err);
		status = err.code == DROVER_AGAIN ? CLI_DOWN : CLI_FAILED;
	} else if ((status = client_judge(cli, http, &pieces.body)) == CLI_OK && answer != NULL &&
	    (*answer = json_parse(buf_str(&pieces.body), pieces.body.len, ANSWER_MAX, &err)) ==
		NULL)
		status = cli_fail(cli, &err);
	free(text);
	buf_free(&pieces.body);
	return status;
}

static int
client_perform(struct cli *cli, const char *method, const char *path, const char *body,
    struct pieces *pieces, long *status, struct error *err)
{
	struct curl_slist *headers = NULL;
	char why[CURL_ERROR_SIZE] = "";
	char *url;
	CURLcode rc;
	CURL *curl;

	*status = 0;
	if (cli->client == NULL) {
		cli->client = xcalloc(1, sizeof *cli->client);
		curl_global_init(CURL_GLOBAL_NOTHING);
		MUST((cli->client->curl = curl_easy_init()) != NULL);
	}
	curl = cli->client->curl;
	pieces->curl = curl;
	curl_easy_reset(curl);
	url = xasprintf("http://drover%s", path);
	headers = curl_slist_append(headers, "Content-Type: application/json");
	headers = curl_slist_append(headers, "Expect:");
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, cli->socket);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, client_on_data);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, pieces);
	if (strcmp(method, "POST") == 0) {
		curl_easy_setopt(curl, CURLOPT_POST, 1L);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body != NULL ? body : "");
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE,
		    body != NULL ? (long)strlen(body) : 0L);
	}
	rc = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
	curl_slist_free_all(headers);
	free(url);
	if (rc == CURLE_OK || (rc == CURLE_WRITE_ERROR && pieces->enough))
		return 0;
	if (rc == CURLE_COULDNT_CONNECT || rc == CURLE_OPERATION_TIMEDOUT) {
		if (access(cli->socket, W_OK) != 0 && errno == EACCES)
			return error_set(err, DROVER_AGAIN,
			    "you may not connect to %s: join the group of the daemon", cli->socket);
		return error_set(err, DROVER_AGAIN,
		    "no daemon at %s: start one with `droverd`, or name its socket with --socket",
		    cli->socket);
	}
	return error_set(err,
	    rc == CURLE_GOT_NOTHING || rc == CURLE_RECV_ERROR || rc == CURLE_PARTIAL_FILE ?
		DROVER_AGAIN :
		DROVER_INTERNAL,
	    "the daemon at %s broke off the connection: %s", cli->socket,
	    *why != '\0' ? why : curl_easy_strerror(rc));
}

/* Says why the daemon refused, in its own words. */
static int
client_judge(struct cli *cli, long status, const struct buf *body)
{
	cJSON *json;
	const cJSON *e;
	int rc;

	if (status >= 200 && status < 300)
		return CLI_OK;
	json = json_parse(buf_str(body), body->len, ANSWER_MAX, NULL);
	e = json_get(json, "error");
	cli_say(cli, "%s", json_str(e, "message", "the daemon refused the request"));
	rc = cli_exit_of((int)status, json_str(e, "code", ""));
	cJSON_Delete(json);
	return rc;
}

static size_t
client_on_data(char *data, size_t size, size_t n, void *arg)
{
	struct pieces *pieces = arg;
	long status = 0;

	n *= size;
	curl_easy_getinfo(pieces->curl, CURLINFO_RESPONSE_CODE, &status);
	if (pieces->fn == NULL || status != 200) {
		if (pieces->body.len + n > ANSWER_MAX)
			return 0;
		buf_add(&pieces->body, data, n);
		return n;
	}
	if (pieces->fn(pieces->arg, data, n) == 0)
		return n;
	pieces->enough = true;
	return 0;
}
