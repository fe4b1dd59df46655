/* SPDX-License-Identifier: Apache-2.0 */
/* Durations, sizes and whole numbers as people write them. */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Reads "250ms", "30s", "50m", "2h", "7d", "1h30m"; at most 10 years. Returns
 * 0, or -1 if text is not a duration.
 */
int units_parse_duration(const char *text, int64_t *ms);
/* Reads "512", "64K", "2G", "1T" (powers of 1024). Returns 0, or -1. */
int units_parse_size(const char *text, int64_t *bytes);
/*
 * Reads a decimal number within [min, max], without anything after it. Returns
 * 0, or -1.
 */
int units_parse_int(const char *text, int64_t min, int64_t max, int64_t *value);
/*
 * Writes "1h 2m", "35s", "120ms" for people, in two units at most. Returns out.
 */
char *units_format_duration(int64_t ms, char *out, size_t size);
/* Writes "2.0G", "512K" for people. Returns out. */
char *units_format_size(int64_t bytes, char *out, size_t size);
/*
 * Write a value exactly, so that it can be read back: "1h30m", "1536M". It must
 * not be negative, and size is at least UNITS_MAX. Return out.
 */
#define UNITS_MAX 64
char *units_write_duration(int64_t ms, char *out, size_t size);
char *units_write_size(int64_t bytes, char *out, size_t size);

#endif
