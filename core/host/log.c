/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host->log: writes a plugin's lines under the names of its scope. It takes any
 * argument: what is wrong is left out or corrected, and the rest is logged.
 */
#include <stdarg.h>

#include "base/log.h"
#include "host/service.h"

#define LOG_FIELDS_MAX 64

static void host_log_line(struct drover_scope *, int, const char *, const struct drover_field *,
    size_t);
static void host_log_printf(struct drover_scope *, int, const char *, ...)
    __attribute__((format(printf, 3, 4)));
static enum drover_level host_log_level(int);

const struct drover_host_log host_log = {
	.size = sizeof host_log,
	.line = host_log_line,
	.printf = host_log_printf,
};

static enum drover_level
host_log_level(int level)
{
	if (level < DROVER_DEBUG)
		return DROVER_DEBUG;
	return level > DROVER_ERR ? DROVER_ERR : (enum drover_level)level;
}

static void
host_log_line(struct drover_scope *public, int level, const char *message,
    const struct drover_field *given, size_t n)
{
	struct scope *scope = scope_of(public);
	struct drover_field fields[LOG_FIELDS_MAX];
	size_t len = 0;

	for (size_t i = 0; given != NULL && i < n && len < LOG_FIELDS_MAX; i++) {
		if (given[i].key == NULL || *given[i].key == '\0')
			continue;
		fields[len].key = given[i].key;
		fields[len++].value = given[i].value != NULL ? given[i].value : "";
	}
	log_line(&scope->log, host_log_level(level), message != NULL ? message : "", fields, len);
}

static void
host_log_printf(struct drover_scope *public, int level, const char *format, ...)
{
	struct scope *scope = scope_of(public);
	va_list ap;

	if (format == NULL)
		return;
	va_start(ap, format);
	log_vprintf(&scope->log, host_log_level(level), format, ap);
	va_end(ap);
}
