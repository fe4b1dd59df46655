/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends one request to a vendor and reads its answer as JSON, and reads lists
 * that span many pages.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/web.h"

#define WEB_PAGES 50
#define WEB_NAME_MAX 128
#define WEB_SHOWN 160            /* bytes of a vendor's message that an error shows */
#define WEB_OPTION "extra_headers"

/* What a request needs while it is being sent. */
struct web_wire {
	struct drover_field headers[WEB_HEADERS_MAX + 3];
	size_t headers_len;
	char names[WEB_HEADERS_MAX][WEB_NAME_MAX];
	char *body;
};

static const char *web_split(const char *, char *, size_t);
static int web_wire_headers(const struct web *, const struct web_ask *, struct web_wire *,
    struct drover_error *);
static bool web_is_json(const char *);
static int web_url_len(const struct web_answer *);
static int web_decode(struct web_answer *, const char *, struct drover_error *);
static void web_message(const struct web_answer *, char *, size_t);
static int web_walk(const struct web_answer *, const char *,
    int (*)(void *, const cJSON *, struct drover_error *), void *, struct drover_error *);

/*
 * Splits "Name: value". Writes the name and returns the value; NULL if the text
 * has another form.
 */
static const char *
web_split(const char *line, char *name, size_t size)
{
	size_t len = strcspn(line, ":");

	if (line[len] != ':' || len == 0 || len >= size || strcspn(line, " \t\r\n") < len)
		return NULL;
	memcpy(name, line, len);
	name[len] = '\0';
	line += len + 1;
	return line + strspn(line, " \t");
}

/*
 * The headers are kept as whole lines with key NULL, because a struct web has
 * no room for the names; web_send() splits them.
 */
int
web_extra_headers(struct web *w, struct drover_error *err)
{
	size_t n = w->scope->host->option->count(w->scope, WEB_OPTION);
	char name[WEB_NAME_MAX];
	const char *line;

	for (size_t i = 0; i < n; i++) {
		line = w->scope->host->option->item(w->scope, WEB_OPTION, i);
		if (line == NULL || web_split(line, name, sizeof(name)) == NULL)
			return plugin_fail(err, DROVER_CONFIG,
			    WEB_OPTION ": item %zu is not \"Name: value\"", i + 1);
		if (w->headers_len == WEB_HEADERS_MAX)
			return plugin_fail(err, DROVER_CONFIG, WEB_OPTION ": more than %zu headers",
			    i);
		w->headers[w->headers_len++] = (struct drover_field){ NULL, line };
	}
	return 0;
}

static int
web_wire_headers(const struct web *w, const struct web_ask *ask, struct web_wire *wire,
    struct drover_error *err)
{
	const char *accept = ask->accept != NULL ? ask->accept :
	    w->accept != NULL                    ? w->accept :
						   "application/json";
	const char *value;

	wire->headers_len = 0;
	wire->headers[wire->headers_len++] = (struct drover_field){ "Accept", accept };
	if (w->authorization != NULL)
		wire->headers[wire->headers_len++] =
		    (struct drover_field){ "Authorization", w->authorization };
	if (ask->form != NULL)
		wire->headers[wire->headers_len++] =
		    (struct drover_field){ "Content-Type", "application/x-www-form-urlencoded" };
	else if (ask->body != NULL)
		wire->headers[wire->headers_len++] =
		    (struct drover_field){ "Content-Type", "application/json; charset=utf-8" };
	for (size_t i = 0; i < w->headers_len; i++) {
		if (w->headers[i].key != NULL) {
			wire->headers[wire->headers_len++] = w->headers[i];
			continue;
		}
		if ((value = web_split(w->headers[i].value, wire->names[i],
			 sizeof(wire->names[i]))) == NULL)
			return plugin_fail(err, DROVER_CONFIG, "header %zu is not \"Name: value\"",
			    i + 1);
		wire->headers[wire->headers_len++] = (struct drover_field){ wire->names[i], value };
	}
	return 0;
}

static bool
web_is_json(const char *accept)
{
	return accept == NULL || strstr(accept, "json") != NULL;
}

/* The length of the URL without its query, which may contain a secret. */
static int
web_url_len(const struct web_answer *answer)
{
	return answer->response.url != NULL ? (int)strcspn(answer->response.url, "?#") : 0;
}

static int
web_decode(struct web_answer *answer, const char *accept, struct drover_error *err)
{
	struct drover_error why = { .code = 0 };
	size_t blank;

	if (answer->body == NULL || !web_is_json(accept))
		return 0;
	blank = strspn(answer->body, " \t\r\n");
	if (blank == answer->body_len)
		return 0;
	answer->json = json_read(answer->body, answer->body_len, &why);
	if (answer->json != NULL || !web_is_good(answer))
		return 0;
	if (answer->body[blank] == '<')
		return plugin_fail(err, DROVER_AGAIN, "%.*s: answered HTML, not JSON (status %d)",
		    web_url_len(answer), answer->response.url, answer->status);
	return plugin_fail(err, (enum drover_class)why.code, "%.*s: %s (status %d)",
	    web_url_len(answer), answer->response.url, why.text, answer->status);
}

int
web_send(struct web *w, const struct web_ask *ask, struct web_answer *answer,
    struct drover_error *err)
{
	const struct drover_host *host = w->scope->host;
	struct web_wire wire = { .headers_len = 0 };
	struct drover_http_request request = { .size = sizeof(request) };
	int code;

	memset(answer, 0, sizeof(*answer));
	answer->response.size = sizeof(answer->response);
	if (!DROVER_HAS(host, http))
		return plugin_fail(err, DROVER_CONFIG, "this drover has no http service");
	if ((code = web_wire_headers(w, ask, &wire, err)) != 0)
		return code;
	if (ask->body != NULL && ask->form == NULL)
		wire.body = json_print(ask->body);
	request.flags = ask->flags;
	request.method = ask->method != NULL ? ask->method : "GET";
	request.base = w->base;
	request.path = ask->path;
	request.headers = wire.headers;
	request.headers_len = wire.headers_len;
	request.body = ask->form != NULL ? ask->form : wire.body;
	request.body_len = request.body != NULL ? strlen(request.body) : 0;
	request.credential = w->credential;
	request.limits = ask->limits;
	request.limits_len = ask->limits_len;
	request.max = ask->max;
	request.patience_ms = ask->patience_ms;
	request.judge = w->judge;
	request.arg = w->arg;
	code = host->http->send(w->scope, &request, &answer->response, err);
	free(wire.body);
	if (code != 0)
		return code;
	answer->status = answer->response.status;
	answer->body = answer->response.body;
	answer->body_len = answer->response.body_len;
	if (answer->response.next != NULL)
		answer->next = xstrdup(answer->response.next);
	if ((code = web_decode(answer, ask->accept != NULL ? ask->accept : w->accept, err)) != 0)
		web_answer_free(answer);
	return code;
}

bool
web_is_good(const struct web_answer *answer)
{
	return answer->status >= 200 && answer->status <= 299;
}

void
web_answer_free(struct web_answer *answer)
{
	cJSON_Delete(answer->json);
	free(answer->next);
	memset(answer, 0, sizeof(*answer));
}

/* Copies the reason that GitHub, Jira or Slack gives, as one line. */
static void
web_message(const struct web_answer *answer, char *out, size_t size)
{
	static const char *const keys[] = { "message", "error", "error_description",
		"errorMessage" };
	const cJSON *errors = json_at(answer->json, "errors"),
		    *list = json_at(answer->json, "errorMessages"), *one;
	const char *text = "", *field = "";
	char raw[2 * WEB_SHOWN];

	for (size_t i = 0; i < ARRAY_LEN(keys) && *text == '\0'; i++)
		text = json_text(answer->json, keys[i]);
	if (*text == '\0' && cJSON_IsString(cJSON_GetArrayItem(list, 0)))
		text = cJSON_GetArrayItem(list, 0)->valuestring;
	one = cJSON_IsArray(errors) || cJSON_IsObject(errors) ? errors->child : NULL;
	if (cJSON_IsString(one)) {
		snprintf(raw, sizeof(raw), "%s%s%s%s%s", text, *text != '\0' ? ": " : "",
		    one->string != NULL ? one->string : "", one->string != NULL ? ": " : "",
		    one->valuestring);
	} else {
		if (cJSON_IsObject(one))
			field = *json_text(one, "message") != '\0' ? json_text(one, "message") :
								     json_text(one, "code");
		snprintf(raw, sizeof(raw), "%s%s%s", text, *field != '\0' ? ": " : "", field);
	}
	raw[text_cut(raw, strlen(raw), WEB_SHOWN)] = '\0';
	text_line(out, size, raw);
}

int
web_refused(const struct web_answer *answer, const char *what, struct drover_error *err)
{
	char message[WEB_SHOWN + 1] = "";
	enum drover_class class = DROVER_PERMANENT;
	int status = answer->status;

	if (status == 401 || status == 403)
		class = DROVER_AUTH;
	else if (status == 409 || status == 408 || status == 425 || status >= 500)
		class = DROVER_AGAIN;
	else if (status == 429)
		class = DROVER_QUOTA;
	else if (status < 400)
		class = DROVER_INTERNAL;
	web_message(answer, message, sizeof(message));
	return plugin_fail(err, class, "%s: %.*s answered %d%s%s", what, web_url_len(answer),
	    answer->response.url != NULL ? answer->response.url : "", status,
	    message[0] != '\0' ? ": " : "", message);
}

static int
web_walk(const struct web_answer *answer, const char *at,
    int (*each)(void *, const cJSON *, struct drover_error *), void *arg, struct drover_error *err)
{
	const cJSON *list = at != NULL ? json_at(answer->json, at) : answer->json, *one;
	int code;

	if (answer->json == NULL && answer->status == 200)
		return plugin_fail(err, DROVER_AGAIN, "%.*s: the answer is empty instead of a list",
		    web_url_len(answer), answer->response.url);
	if (answer->json != NULL && !cJSON_IsArray(list))
		return plugin_fail(err, DROVER_PERMANENT, "%.*s: the answer is not a list%s%s",
		    web_url_len(answer), answer->response.url, at != NULL ? " in " : "",
		    at != NULL ? at : "");
	cJSON_ArrayForEach(one, list) {
		if ((code = each(arg, one, err)) != 0)
			return code;
	}
	return 0;
}

int
web_pages(struct web *w, const struct web_ask *ask, const char *at, int pages,
    int (*each)(void *arg, const cJSON *element, struct drover_error *), void *arg,
    struct drover_error *err)
{
	struct web_ask page = *ask;
	struct web_answer answer;
	char *next = NULL;
	int code = 0;

	if (pages <= 0)
		pages = WEB_PAGES;
	for (int i = 0; i < pages; i++) {
		if ((code = web_send(w, &page, &answer, err)) != 0)
			break;
		if (!web_is_good(&answer))
			code = web_refused(&answer, "a list", err);
		else
			code = web_walk(&answer, at, each, arg, err);
		free(next);
		next = answer.next;
		answer.next = NULL;
		page.path = next;
		web_answer_free(&answer);
		if (code != 0 || next == NULL)
			break;
	}
	if (code == 0 && next != NULL)
		plugin_log(w->scope, DROVER_WARN,
		    "%s: the list has more than %d pages: the rest is not read now",
		    ask->path, pages);
	free(next);
	return code > 0 ? 0 : code;
}
