/* SPDX-License-Identifier: Apache-2.0 */
/* Text with {{variables}}. */
#ifndef CONFIG_TEMPLATE_H
#define CONFIG_TEMPLATE_H

#include <stddef.h>

#include "base/error.h"

#define TEMPLATE_NAME_MAX 64 /* bytes of a variable's name */

struct template_reader {
	/* A piece of the text between variables, with braces unescaped. */
	void (*text)(void *arg, const char *text, size_t len);
	/*
	 * A variable {{name}} and its line, from 1. A result other than 0 ends
	 * the walk, with the reason in err.
	 */
	int (*variable)(void *arg, const char *name, unsigned int line, struct error *err);
	void *arg;
};

/*
 * Walks a template. {{name}} may have blanks inside the braces; names are made
 * of a-z, 0-9, _ and -; {{{{ stands for {{. Returns 0, or -1 with CONFIG
 * "FILE:LINE: ...", in which file is the name, or what variable() returned.
 */
int template_walk(const char *text, size_t len, const char *file, const struct template_reader *,
    struct error *err);

#endif
