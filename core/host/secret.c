/* SPDX-License-Identifier: Apache-2.0 */
/* host->secret: reads a secret option anew each time, and has the log mask it from then on. */
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "host/service.h"

static int64_t secret_get(struct drover_scope *, const char *, char *, size_t, struct drover_error *);

const struct drover_host_secret host_secret = {
	.size = sizeof host_secret,
	.get = secret_get,
};

static int64_t
secret_get(struct drover_scope *public, const char *key, char *value, size_t size, struct drover_error *out)
{
	struct scope *scope = scope_of(public);
	const struct options *options = scope->options;
	struct error err = { 0 };
	char *secret;
	int64_t len;

	if (service_line(key, "key of a secret", DROVER_NAME_MAX, false, &err) != 0)
		return scope_fail(out, &err);
	if (options == NULL || !options_has(options, key))
		options = scope->plugin_options;
	if (options == NULL || !options_has(options, key)) {
		error_set(&err, DROVER_PERMANENT, "no option \"%s\" is declared", key);
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
	log_mask_add(secret);
	len = service_write(value, size, secret, strlen(secret));
	free_wiped(secret);
	return len;
}
