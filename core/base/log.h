/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: one JSON object a line, one write(2) a line, always through a scope.
 * Secrets are masked here and nowhere else, untrusted bytes are escaped. A full
 * disk or a closed pipe stops nobody.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

#include <drover/plugin.h> /* enum drover_level, struct drover_field */

#include "base/buf.h"
#include "base/error.h"

/*
 * What a line belongs to. Members may be NULL or 0: then the line does not have
 * them. All borrowed.
 */
struct log_scope {
	const char *part;     /* "core", "runner", "worker", "job" */
	const char *plugin, *source;
	const char *trace, *kind, *key, *worker;
	uint64_t job;
	uint32_t attempt;
};

/*
 * Opens the sink of this process: a file (appended, 0640) or NULL for stderr.
 */
int log_open(const char *path, enum drover_level least, struct error *);
/* Reopens the file after a rotation. */
int log_reopen(struct error *);
void log_set_level(enum drover_level least);
void log_close(void);
/* The open file, -1: there is none, lines go to stderr. */
int log_fd(void);

void log_line(const struct log_scope *, enum drover_level, const char *message,
    const struct drover_field *, size_t n);
void log_printf(const struct log_scope *, enum drover_level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void log_vprintf(const struct log_scope *, enum drover_level, const char *format, va_list ap)
    __attribute__((format(printf, 3, 0)));

/*
 * From now on this value is masked as "***" in every line: raw, JSON-escaped,
 * URL-escaped, base64 (three shifts) and hexadecimal. Of a value of many lines
 * (a key file) each long line as well. Under 6 bytes it is ignored. Copied.
 */
void log_mask_add(const char *secret);
void log_mask_clear(void);
/*
 * The same masking for text that leaves by another way (reports, API). In place
 * of buf.
 */
void log_mask(struct buf *text);
/* Also of text in an array; cut where "***" makes it longer. Returns text. */
char *log_mask_text(char *text, size_t size);

#endif
