/* SPDX-License-Identifier: Apache-2.0 */
/* The secrets that a plugin asks a vendor with. */
#ifndef COMMON_SECRET_H
#define COMMON_SECRET_H

#include <stdbool.h>

#include <drover/plugin.h>

/*
 * The value now of a SECRET option, without blanks at its end. NULL with CONFIG
 * when it is not configured, empty or too long, or when it has several lines
 * and these are not allowed; else with what the host says. The caller ends it
 * with secret_free.
 */
char *secret_read(struct drover_scope *, const char *option, bool lines, struct drover_error *);
/* "Bearer TOKEN", as secret as the token; for secret_free. */
char *secret_bearer(const char *token);
/* Wipes and frees; NULL is fine. */
void secret_free(char *);

#endif
