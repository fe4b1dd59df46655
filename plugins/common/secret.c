/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and wipes secrets; see secret.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/secret.h"
#include "common/text.h"

#define SECRET_SIZE 16384
#define BEARER "Bearer "

char *
secret_read(struct drover_scope *scope, const char *option, bool lines, struct drover_error *err)
{
	char *secret = xcalloc(1, SECRET_SIZE);
	int64_t len;

	err->code = 0;
	len = scope->host->secret->get(scope, option, secret, SECRET_SIZE, err);
	if (len < 0) {
		if (err->code == 0)
			plugin_fail(err, DROVER_CONFIG, "%s is not configured: give %s_file",
			    option, option);
		goto fail;
	}
	if (len >= SECRET_SIZE) {
		plugin_fail(err, DROVER_CONFIG,
		    "%s is longer than %d bytes: does %s_file name the right file?", option,
		    SECRET_SIZE - 1, option);
		goto fail;
	}
	/*
	 * A file usually ends with a line break, which must not get into a
	 * header.
	 */
	while (len > 0 && strchr(" \t\r\n", secret[len - 1]) != NULL)
		secret[--len] = '\0';
	if (len > 0 && (lines || strpbrk(secret, "\r\n") == NULL))
		return secret;
	plugin_fail(err, DROVER_CONFIG, "%s is %s: does %s_file name the right file?", option,
	    len == 0 ? "empty" : "more than one line", option);
fail:
	secret_free(secret);
	return NULL;
}

char *
secret_bearer(const char *token)
{
	size_t size = sizeof(BEARER) + strlen(token);
	char *header = xmalloc(size);

	snprintf(header, size, BEARER "%s", token);
	return header;
}

void
secret_free(char *secret)
{
	if (secret != NULL)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}
