/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host->secret: reads the value of a secret option anew each time and has the
 * log mask it from then on. It also masks what a plugin derived from a secret.
 */
#include <string.h>

#include "base/mem.h"
#include "base/secrets.h"
#include "host/service.h"

static int64_t host_secret_get(struct drover_scope *, const char *, char *, size_t,
    struct drover_error *);
static void host_secret_mask(struct drover_scope *, const char *);
static int host_secret_given(struct drover_scope *, const char *);
static const struct options *host_secret_options(const struct scope *, const char *);

const struct drover_host_secret host_secret = {
	.size = sizeof host_secret,
	.get = host_secret_get,
	.mask = host_secret_mask,
	.given = host_secret_given,
};

/*
 * Returns the options that declare key: the scope's own if they do, else its
 * plugin's. NULL if neither do.
 */
static const struct options *
host_secret_options(const struct scope *scope, const char *key)
{
	if (scope->options != NULL && options_has(scope->options, key))
		return scope->options;
	return scope->plugin_options != NULL && options_has(scope->plugin_options, key) ?
	    scope->plugin_options :
	    NULL;
}

static void
host_secret_mask(struct drover_scope *public, const char *value)
{
	scope_of(public);
	if (value != NULL && strnlen(value, DROVER_VALUE_MAX + 1) <= DROVER_VALUE_MAX)
		secrets_add(value);
}

static int
host_secret_given(struct drover_scope *public, const char *key)
{
	const struct options *options =
	    key != NULL ? host_secret_options(scope_of(public), key) : NULL;

	return options != NULL && options_given(options, key);
}

static int64_t
host_secret_get(struct drover_scope *public, const char *key, char *value, size_t size,
    struct drover_error *out)
{
	struct scope *scope = scope_of(public);
	const struct options *options;
	struct error err = { 0 };
	char *secret;
	int64_t len;

	if (service_line(key, "key of a secret", DROVER_NAME_MAX, false, &err) != 0)
		return scope_fail(out, &err);
	if ((options = host_secret_options(scope, key)) == NULL) {
		error_set(&err, DROVER_PERMANENT, "the plugin declares no option \"%s\"", key);
		return scope_fail(out, &err);
	}
	secret = options_secret(options, key, &err);
	if (secret == NULL) {
		if (err.code != 0)
			return scope_fail(out, &err);
		if (out != NULL)
			memset(out, 0, sizeof *out);
		return -1;
	}
	secrets_add(secret);
	len = service_write(value, size, secret, strlen(secret));
	free_wiped(secret);
	return len;
}
