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
	KEY_OPTIONS,  /* cJSON *: a group whose keys only a plugin knows */
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
	/*
	 * Of a scalar, as a string; without it NULL, 0, or -1 where unset says
	 * so.
	 */
	const char *fallback;
	const char *example;         /* as libconfig text; NULL: the fallback is shown */
	const char *help;
	int64_t min, max;            /* of numbers; max 0: no limit */
	/*
	 * Value of a number without a fallback; -1 of a KEY_STRINGS tells NULL
	 * from an empty list.
	 */
	int64_t unset;
	/* What a KEY_STRING may say, or a KEY_WORD's names; NULL-terminated. */
	const char *const *words;
	const struct key *table;     /* of a group's or struct's members */
	/*
	 * Of maps and lists: size of one struct, offset of the int with their
	 * number.
	 */
	size_t size, len_offset;
	const char *sample;          /* of maps: the name in the example */
};

/* The member of the struct at base that a key fills. */
static inline void *
keys_field(const struct key *key, const void *base)
{
	return (char *)(uintptr_t)base + key->offset;
}

/* The keys of struct config. */
extern const struct key keys_config[];

/* NULL when the table has no such key. */
const struct key *keys_find(const struct key *table, const char *name);
/*
 * The name in the table that is nearest to a mistyped one; NULL when no name is
 * near.
 */
const char *keys_nearest(const struct key *table, const char *name);
/* Number of edits between two words. */
size_t keys_distance(const char *a, const char *b);

#endif
