/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What went wrong, for the caller: a class that decides what happens next, and
 * a text a person can act on.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdarg.h>
#include <stdint.h>

#include <drover/plugin.h>

/*
 * Same layout as struct drover_error (asserted in error.c): code is an enum
 * drover_class.
 */
struct error {
	int32_t code;
	uint32_t reserved;
	int64_t retry_after_ms;
	char text[DROVER_ERROR_MAX];
};

/*
 * Fills err (may be NULL) and returns -1. The text names what, where and what
 * to do; cut at 511 bytes on a character.
 */
int error_set(struct error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/*
 * As error_set, with ": " and strerror(errno) behind. ENOSPC, EDQUOT, EAGAIN
 * and EMFILE are DROVER_AGAIN whatever code says.
 */
int error_errno(struct error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/*
 * Puts "context: " before a text that is there already; the class stays.
 * Returns -1.
 */
int error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "again", "quota", ...; "ok" for 0, "internal" for what is none. */
const char *error_class_name(int code);
/* The class of a name; DROVER_INTERNAL when unknown. */
int error_class_parse(const char *name);

#endif
