/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: one JSON object per line, written with one write(2), always through
 * a scope. Secrets (base/secrets.h) are hidden and untrusted bytes escaped in
 * every line. A full disk or a closed pipe loses lines, but stops nothing.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

#include <drover/plugin.h> /* enum drover_level, struct drover_field */

#include "base/buf.h"
#include "base/error.h"

/*
 * What a line belongs to. A member that is NULL or 0 is left out of the line.
 * All strings are borrowed.
 */
struct log_scope {
	const char *part;     /* "core", "runner", "worker", "job" */
	const char *plugin, *source;
	const char *trace, *kind, *key, *worker;
	uint64_t job;
	uint32_t attempt;
};

/*
 * Opens the log of this process: a file, which is appended to and made with
 * mode 0640, or NULL for stderr.
 */
int log_open(const char *path, enum drover_level least, struct error *);
/* Opens the file again after it was rotated. */
int log_reopen(struct error *);
/* Lines below this level are not written. */
void log_set_level(enum drover_level least);
/* Closes the file; later lines go to stderr. */
void log_close(void);
/* The descriptor of the log file; -1 if lines go to stderr. */
int log_fd(void);

/*
 * Write one line. message, and each value of the n fields, is masked, escaped
 * and cut at 16 KiB. They cannot fail, and errno is kept.
 */
void log_line(const struct log_scope *, enum drover_level, const char *message,
    const struct drover_field *, size_t n);
void log_printf(const struct log_scope *, enum drover_level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void log_vprintf(const struct log_scope *, enum drover_level, const char *format, va_list ap)
    __attribute__((format(printf, 3, 0)));

#endif
