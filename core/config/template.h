/* SPDX-License-Identifier: Apache-2.0 */
/* Text with {{variables}}. */
#ifndef CONFIG_TEMPLATE_H
#define CONFIG_TEMPLATE_H

#include <stddef.h>

#include "base/error.h"

#define TEMPLATE_NAME_MAX 64 /* of a variable */

struct template_reader {
	/* A piece of the text as it goes in, braces unescaped. */
	void (*text)(void *arg, const char *text, size_t len);
	/*
	 * {{name}}, in the line that it stands in, counted from 1. Other than 0
	 * ends the walk, with the reason in err.
	 */
	int (*variable)(void *arg, const char *name, unsigned int line, struct error *err);
	void *arg;
};

/*
 * Walks a template: {{name}}, blanks inside the braces allowed, names of a-z,
 * 0-9, _ and -; {{{{ stands for {{, all else for itself. 0, or -1 with CONFIG
 * "FILE:LINE: ..." (file is what errors call it), or what variable() failed
 * with.
 */
int template_walk(const char *text, size_t len, const char *file, const struct template_reader *,
    struct error *err);

#endif
