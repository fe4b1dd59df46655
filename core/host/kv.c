/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host->kv: durable text in the core's store, by key. Keys that begin with
 * "job/" belong to the job, others to the plugin.
 */
#include <string.h>

#include "host/service.h"

static int64_t host_kv_get(struct drover_scope *, const char *, char *, size_t,
    struct drover_error *);
static int host_kv_set(struct drover_scope *, const char *, const char *, struct drover_error *);
static int host_kv_remove(struct drover_scope *, const char *, struct drover_error *);
static int host_kv_check(struct scope *, const char *, struct error *);
static int host_kv_erase(struct scope *, const char *key, struct error *);

const struct drover_host_kv host_kv = {
	.size = sizeof host_kv,
	.get = host_kv_get,
	.set = host_kv_set,
	.remove = host_kv_remove,
};

static int
host_kv_check(struct scope *scope, const char *key, struct error *err)
{
	if (service_line(key, "key", DROVER_KEY_MAX, false, err) != 0)
		return -1;
	if (strncmp(key, "job/", 4) == 0)
		return service_role(scope, ROLE_JOB, "a key that begins with \"job/\"", "run", err);
	return 0;
}

int
kv_read(struct scope *scope, const char *key, struct buf *value, struct error *err)
{
	struct message_out request;
	int64_t found;

	message_begin(&request, MESSAGE_KV_GET, service_id(scope));
	message_put_s(&request, key);
	if (service_ask(scope, &request, &found, value, err) != 0)
		return -1;
	return found == 1 ? 1 : 0;
}

int
kv_write(struct scope *scope, const char *key, const char *value, struct error *err)
{
	struct message_out request;

	message_begin(&request, MESSAGE_KV_SET, service_id(scope));
	message_put_s(&request, key);
	message_put_s(&request, value);
	return service_ask(scope, &request, NULL, NULL, err);
}

static int
host_kv_erase(struct scope *scope, const char *key, struct error *err)
{
	struct message_out request;

	message_begin(&request, MESSAGE_KV_REMOVE, service_id(scope));
	message_put_s(&request, key);
	return service_ask(scope, &request, NULL, NULL, err);
}

static int64_t
host_kv_get(struct drover_scope *public, const char *key, char *value, size_t size,
    struct drover_error *out)
{
	struct scope *scope = scope_of(public);
	struct buf data = BUF_INIT;
	struct error err = { 0 };
	int64_t len = -1;
	int r;

	if (host_kv_check(scope, key, &err) != 0)
		return scope_fail(out, &err);
	if ((r = kv_read(scope, key, &data, &err)) == 1)
		len = service_write(value, size, buf_str(&data), data.len);
	else if (r == -1)
		len = scope_fail(out, &err);
	else if (out != NULL)
		memset(out, 0, sizeof *out);
	buf_free(&data);
	return len;
}

static int
host_kv_set(struct drover_scope *public, const char *key, const char *value,
    struct drover_error *out)
{
	struct scope *scope = scope_of(public);
	struct error err = { 0 };

	if (value == NULL)
		error_set(&err, DROVER_PERMANENT, "value is missing: kv.remove takes a key away");
	else if (host_kv_check(scope, key, &err) == 0 &&
	    service_text(value, "value", DROVER_VALUE_MAX, true, &err) == 0 &&
	    kv_write(scope, key, value, &err) == 0)
		return 0;
	return scope_fail(out, &err);
}

static int
host_kv_remove(struct drover_scope *public, const char *key, struct drover_error *out)
{
	struct scope *scope = scope_of(public);
	struct error err = { 0 };

	if (host_kv_check(scope, key, &err) != 0 || host_kv_erase(scope, key, &err) != 0)
		return scope_fail(out, &err);
	return 0;
}
