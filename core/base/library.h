/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared libraries that few processes need: opened at run time, their functions
 * called through a table of pointers.
 */
#ifndef BASE_LIBRARY_H
#define BASE_LIBRARY_H

#include <stddef.h>

/* A function's name, and where its pointer lies in the table. */
struct library_call {
	const char *name;
	size_t offset;
};

/*
 * Opens the library, for good, and fills the table. Returns -1 when it, or one
 * of the functions, is not there; the table is then not to be used.
 */
int library_load(const char *file, const struct library_call *, size_t n, void *table);

#endif
