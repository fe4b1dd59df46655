/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a caller is told when something failed: a class, which decides what
 * happens next, and a text that a person can act on.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdarg.h>
#include <stdint.h>

#include <drover/plugin.h>

/*
 * code is an enum drover_class. The layout is that of struct drover_error,
 * which error.c asserts.
 */
struct error {
	int32_t code;
	uint32_t reserved;
	int64_t retry_after_ms;
	char text[DROVER_ERROR_MAX];
};

/* How an attempt of a job ended, and what it used. */
struct job_outcome {
	struct error error; /* the code is DROVER_OK when it succeeded */
	int64_t wall_ms, cpu_ms;
	int64_t rss, output; /* bytes */
};

/*
 * Fills err, which may be NULL, and returns -1. The text says what was wrong,
 * the value, and the mend. It is cut at 511 bytes, at a whole character.
 */
int error_set(struct error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/*
 * Like error_set(), and appends ": " and strerror(errno). ENOSPC, EDQUOT,
 * EAGAIN and EMFILE always give DROVER_AGAIN, whatever code says.
 */
int error_errno(struct error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Puts "CONTEXT: " before the text of err and keeps its class. Returns -1. */
int error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/*
 * The name of a class: "ok", "again", "quota" and so on; "internal" for a
 * number that is not a class.
 */
const char *error_class_name(int code);
/* The class with this name; DROVER_INTERNAL if there is none. */
int error_class_parse(const char *name);

#endif
