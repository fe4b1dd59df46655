/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host->effect: one write to the outside, recorded before and after, so that a
 * crash in between is noticed.
 */
#include "host/service.h"

static int host_effect_begin(struct drover_scope *, const char *, char *, size_t,
    struct drover_error *);
static int host_effect_done(struct drover_scope *, const char *, const char *,
    struct drover_error *);

const struct drover_host_effect host_effect = {
	.size = sizeof host_effect,
	.begin = host_effect_begin,
	.done = host_effect_done,
};

int
effect_start(struct scope *scope, const char *key, struct buf *result, struct error *err)
{
	struct message_out request;
	int64_t state;

	message_begin(&request, MESSAGE_EFFECT_BEGIN, service_id(scope));
	message_put_s(&request, key);
	if (service_ask(scope, &request, &state, result, err) != 0)
		return -1;
	if (state != DROVER_EFFECT_NEW && state != DROVER_EFFECT_DONE)
		return DROVER_EFFECT_UNSURE;
	return (int)state;
}

int
effect_finish(struct scope *scope, const char *key, const char *result, struct error *err)
{
	struct message_out request;

	message_begin(&request, MESSAGE_EFFECT_DONE, service_id(scope));
	message_put_s(&request, key);
	message_put_s(&request, result);
	return service_ask(scope, &request, NULL, NULL, err);
}

static int
host_effect_begin(struct drover_scope *public, const char *key, char *result, size_t size,
    struct drover_error *out)
{
	struct scope *scope = scope_of(public);
	struct buf data = BUF_INIT;
	struct error err = { 0 };
	int state;

	if (service_role(scope, ROLE_ANY & ~ROLE_PLUGIN, "effect.begin",
		"a source, a job or an operation", &err) != 0 ||
	    service_line(key, "key of an effect", DROVER_KEY_MAX, false, &err) != 0)
		return scope_fail(out, &err);
	state = effect_start(scope, key, &data, &err);
	if (state >= 0 && result != NULL && size > 0 && data.len >= size)
		state = error_set(&err, DROVER_PERMANENT,
		    "result of effect %s needs %zu bytes, but there is room for %zu", key,
		    data.len + 1, size);
	if (state >= 0)
		service_write(result, size, buf_str(&data), data.len);
	buf_free(&data);
	return state >= 0 ? state : scope_fail(out, &err);
}

static int
host_effect_done(struct drover_scope *public, const char *key, const char *result,
    struct drover_error *out)
{
	struct scope *scope = scope_of(public);
	struct error err = { 0 };

	if (service_role(scope, ROLE_ANY & ~ROLE_PLUGIN, "effect.done",
		"a source, a job or an operation", &err) != 0 ||
	    service_line(key, "key of an effect", DROVER_KEY_MAX, false, &err) != 0 ||
	    service_text(result, "result of an effect", DROVER_VALUE_MAX, true, &err) != 0 ||
	    effect_finish(scope, key, result, &err) != 0)
		return scope_fail(out, &err);
	return 0;
}
