/* SPDX-License-Identifier: Apache-2.0 */
/* The secrets with which a plugin logs in to a vendor. */
#ifndef COMMON_SECRET_H
#define COMMON_SECRET_H

#include <stdbool.h>

#include <drover/plugin.h>

/*
 * The present value of a SECRET option, without blanks at its end. Returns NULL
 * with DROVER_CONFIG if it is not configured, empty or too long, or has several
 * lines and these are not allowed; or NULL with the host's error. The caller
 * frees it with secret_free().
 */
char *secret_read(struct drover_scope *, const char *option, bool lines, struct drover_error *);
/*
 * Makes "Bearer TOKEN". It is as secret as the token: free it with
 * secret_free().
 */
char *secret_bearer(const char *token);
/* Wipes and frees a secret. NULL is allowed. */
void secret_free(char *);

#endif
