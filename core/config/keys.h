/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of the configuration: one table drives reading, defaults, checks,
 * the example and what is shown.
 */
#ifndef CONFIG_KEYS_H
#define CONFIG_KEYS_H

#include <stddef.h>
#include <stdint.h>

enum key_kind {
	KEY_STRING,   /* char * */
	KEY_PATH,     /* char *, made absolute */
	KEY_WORD,     /* int: the place in words */
	KEY_INT,      /* int */
	KEY_LONG,     /* int64_t */
	KEY_BOOL,     /* bool */
	KEY_DURATION, /* int64_t, ms */
	KEY_SIZE,     /* int64_t, bytes */
	KEY_STRINGS,  /* char **, NULL-terminated */
	KEY_PATHS,    /* char **, made absolute */
	KEY_ARGV,     /* char **, at least one word */
	KEY_ARGVS,    /* char ***, lists of at least one word */
	KEY_GROUP,    /* table, in the same struct */
	KEY_MAP,      /* structs by name: NAME = { ... } */
	KEY_LIST,     /* structs in order: ( { name = "..."; ... } ) */
	KEY_OPTIONS,  /* cJSON *: a group of which a plugin knows the keys */
	KEY_REST,     /* cJSON *: the keys of this group that the table does not have */
	KEY_AT,       /* char *: where the group stands */
	KEY_KINDS
};

#define KEY_REQUIRED 0x1u
#define KEY_NAME 0x2u      /* must be a name */

struct key {
	const char *name;            /* NULL ends a table */
	enum key_kind kind;
	unsigned int flags;
	size_t offset;
	const char
	    *fallback; /* as a string, for scalars; NULL: NULL, 0 or, where unset says so, -1 */
	const char *example;         /* as libconfig text; NULL: the fallback */
	const char *help;
	int64_t min, max;            /* numbers; max 0: no limit */
	int64_t unset; /* of a number without a fallback; -1 for a KEY_STRINGS: NULL, which an empty
			  list is not */
	const char *const
	    *words; /* what a KEY_STRING may say, or a KEY_WORD's names; NULL-terminated */
	const struct key *table;     /* of a group's or struct's members */
	size_t size,
	    len_offset; /* maps and lists: of one struct; where the int with their number is */
	const char *sample;          /* maps: the name in the example */
};

/* Where key stands in the struct at base. */
static inline void *
keys_field(const struct key *key, const void *base)
{
	return (char *)(uintptr_t)base + key->offset;
}

/* Of struct config. */
extern const struct key keys_config[];

/* NULL when there is none. */
const struct key *keys_find(const struct key *table, const char *name);
/*
 * The name in the table that is nearest to a mistyped one; NULL when none is
 * near.
 */
const char *keys_nearest(const struct key *table, const char *name);
/* Edits between two words. */
size_t keys_distance(const char *a, const char *b);

#endif
