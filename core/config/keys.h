/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of the configuration. One table drives reading, defaults, checks,
 * the example and what is shown.
 */
#ifndef CONFIG_KEYS_H
#define CONFIG_KEYS_H

#include <stddef.h>
#include <stdint.h>

enum key_kind {
	KEY_STRING,   /* char * */
	KEY_PATH,     /* char *, made absolute */
	KEY_WORD,     /* int, the place in words */
	KEY_INT,      /* int */
	KEY_LONG,     /* int64_t */
	KEY_BOOL,     /* bool */
	KEY_DURATION, /* int64_t, ms */
	KEY_SIZE,     /* int64_t, bytes */
	KEY_STRINGS,  /* char **, NULL-terminated */
	KEY_PATHS,    /* char **, made absolute */
	KEY_ARGV,     /* char **, at least one word */
	KEY_ARGVS,    /* char ***, lists of at least one word */
	KEY_GROUP,    /* a table of members in the same struct */
	KEY_MAP,      /* structs by name, NAME = { ... } */
	KEY_LIST,     /* structs in order, ( { name = "..."; ... } ) */
	KEY_OPTIONS,  /* cJSON *, a group whose keys only a plugin knows */
	KEY_REST,     /* cJSON *, the keys of this group that the table does not have */
	KEY_AT,       /* char *, "FILE:LINE" of the group */
	KEY_KINDS
};

#define KEY_REQUIRED 0x1u
#define KEY_NAME 0x2u      /* its value must be a name */

struct key {
	const char *name;            /* NULL ends a table */
	enum key_kind kind;
	unsigned int flags;
	size_t offset;
	/*
	 * Default of a scalar, as a string. Without it the member is NULL, 0 or
	 * what unset says.
	 */
	const char *fallback;
	const char *example;         /* as libconfig text; NULL shows the fallback */
	const char *help;
	int64_t min, max;            /* bounds of a number; max 0 means no limit */
	/*
	 * Value of a number or word without a fallback. -1 in a KEY_STRINGS
	 * makes a missing list NULL and not empty.
	 */
	int64_t unset;
	/*
	 * The values that a KEY_STRING may have, or the names of a KEY_WORD;
	 * NULL-terminated.
	 */
	const char *const *words;
	const struct key *table;     /* table of the members of a group or struct */
	/*
	 * Of a map or list: the size of one struct, and the offset of the int
	 * with their number.
	 */
	size_t size, len_offset;
	const char *sample;          /* of a map: the name of the entry in the example */
};

/* The member that a key fills, of the struct at base. */
static inline void *
keys_field(const struct key *key, const void *base)
{
	return (char *)(uintptr_t)base + key->offset;
}

/* The keys of struct config. */
extern const struct key keys_config[];

/* Finds a key by its name; NULL if the table has no such key. */
const struct key *keys_find(const struct key *table, const char *name);
/*
 * The name in the table that is nearest to a mistyped one; NULL if no name is
 * near.
 */
const char *keys_nearest(const struct key *table, const char *name);
/* The number of edits that make one word into the other. */
size_t keys_distance(const char *a, const char *b);

#endif
