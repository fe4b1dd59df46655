/* SPDX-License-Identifier: Apache-2.0 */
/* Durations and sizes. The tables have the largest unit first. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"

#define DURATION_MAX (INT64_C(3650) * 24 * 60 * 60 * 1000)

struct unit {
	const char *name;
	int64_t value;
};

static const struct unit durations[] = {
	{ "d", 24 * 60 * 60 * 1000 },
	{ "h", 60 * 60 * 1000 },
	{ "m", 60 * 1000 },
	{ "s", 1000 },
	{ "ms", 1 },
};

static const struct unit sizes[] = {
	{ "T", INT64_C(1) << 40 },
	{ "G", INT64_C(1) << 30 },
	{ "M", INT64_C(1) << 20 },
	{ "K", INT64_C(1) << 10 },
	{ "", 1 },
};

static const char *parse_digits(const char *, int64_t *);

/*
 * Reads a decimal number and returns the rest; NULL if there are no digits or
 * too many.
 */
static const char *
parse_digits(const char *s, int64_t *value)
{
	const char *begin = s;
	int64_t n = 0;

	for (; *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *s - '0', &n))
			return NULL;
	*value = n;
	return s == begin ? NULL : s;
}

int
units_parse_duration(const char *text, int64_t *ms)
{
	int64_t n, total = 0;
	size_t i, next = 0, len;

	if (*text == '\0')
		return -1;
	while (*text != '\0') {
		if ((text = parse_digits(text, &n)) == NULL)
			return -1;
		len = strspn(text, "dhms");
		for (i = next; i < ARRAY_LEN(durations); i++)
			if (strlen(durations[i].name) == len &&
			    strncmp(text, durations[i].name, len) == 0)
				break;
		if (i == ARRAY_LEN(durations) || n > DURATION_MAX / durations[i].value)
			return -1;
		total += n * durations[i].value;
		if (total > DURATION_MAX)
			return -1;
		text += len;
		next = i + 1;
	}
	*ms = total;
	return 0;
}

int
units_parse_size(const char *text, int64_t *bytes)
{
	int64_t n;
	size_t i;

	if ((text = parse_digits(text, &n)) == NULL)
		return -1;
	for (i = 0; i < ARRAY_LEN(sizes); i++)
		if (strcmp(text, sizes[i].name) == 0)
			return __builtin_mul_overflow(n, sizes[i].value, bytes) ? -1 : 0;
	return -1;
}

int
units_parse_int(const char *text, int64_t min, int64_t max, int64_t *value)
{
	bool negative = *text == '-';
	int64_t n = 0;

	text += negative;
	if (*text == '\0')
		return -1;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9' || __builtin_mul_overflow(n, 10, &n))
			return -1;
		if (negative ? __builtin_sub_overflow(n, *text - '0', &n) :
			       __builtin_add_overflow(n, *text - '0', &n))
			return -1;
	}
	if (n < min || n > max)
		return -1;
	*value = n;
	return 0;
}

char *
units_format_duration(int64_t ms, char *out, size_t size)
{
	const char *sign = ms < 0 ? "-" : "";
	uint64_t left = ms < 0 ? -(uint64_t)ms : (uint64_t)ms;
	size_t i = 0, second;

	while (i < ARRAY_LEN(durations) - 1 && left < (uint64_t)durations[i].value)
		i++;
	second = i + 1;
	if (second < ARRAY_LEN(durations) - 1 &&
	    left % (uint64_t)durations[i].value >= (uint64_t)durations[second].value)
		snprintf(out, size, "%s%" PRIu64 "%s %" PRIu64 "%s", sign,
		    left / (uint64_t)durations[i].value, durations[i].name,
		    left % (uint64_t)durations[i].value / (uint64_t)durations[second].value,
		    durations[second].name);
	else
		snprintf(out, size, "%s%" PRIu64 "%s", sign, left / (uint64_t)durations[i].value,
		    durations[i].name);
	return out;
}

char *
units_format_size(int64_t bytes, char *out, size_t size)
{
	size_t i = 0;

	while (i < ARRAY_LEN(sizes) - 1 && bytes < sizes[i].value)
		i++;
	if (bytes < 10 * sizes[i].value && sizes[i].value > 1)
		snprintf(out, size, "%.1f%s", (double)bytes / (double)sizes[i].value,
		    sizes[i].name);
	else
		snprintf(out, size, "%" PRId64 "%s", bytes / sizes[i].value, sizes[i].name);
	return out;
}

char *
units_write_duration(int64_t ms, char *out, size_t size)
{
	size_t i, len = 0;
	int n;

	MUST(ms >= 0 && size >= UNITS_MAX);
	for (i = 0; i < ARRAY_LEN(durations); i++) {
		if (ms < durations[i].value)
			continue;
		n = snprintf(out + len, size - len, "%" PRId64 "%s", ms / durations[i].value,
		    durations[i].name);
		len += (size_t)n;
		ms %= durations[i].value;
	}
	if (len == 0)
		snprintf(out, size, "0s");
	return out;
}

char *
units_write_size(int64_t bytes, char *out, size_t size)
{
	size_t i = 0;

	MUST(bytes >= 0 && size >= UNITS_MAX);
	while (i < ARRAY_LEN(sizes) - 1 && (bytes == 0 || bytes % sizes[i].value != 0))
		i++;
	snprintf(out, size, "%" PRId64 "%s", bytes / sizes[i].value, sizes[i].name);
	return out;
}
