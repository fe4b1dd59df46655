/* SPDX-License-Identifier: Apache-2.0 */
/* Finds a mark in `authors`; see authors.h. */
#include <string.h>

#include "common/authors.h"

bool
authors_name(struct drover_scope *scope, const char *source, const char *mark)
{
	size_t len = strlen(mark);
	bool begins = len > 0 && strchr(":@", mark[len - 1]) != NULL;
	const char *author;

	for (size_t i = 0; (author = scope->host->trust->author(scope, source, i)) != NULL; i++)
		if (begins ? strncmp(author, mark, len) == 0 : strcmp(author, mark) == 0)
			return true;
	return false;
}
