/* SPDX-License-Identifier: Apache-2.0 */
/* Temporary folders for tests. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"

#include "temp.h"

char *
temp_make(void)
{
	const char *parent = getenv("TMPDIR");
	char *dir =
	    path_join(parent != NULL && parent[0] == '/' ? parent : "/tmp", "drover-test-XXXXXX");

	MUST(mkdtemp(dir) != NULL);
	return dir;
}

void
temp_remove(char *dir)
{
	MUST(path_remove_tree(dir, NULL) == 0);
	free(dir);
}

char *
temp_file(const char *dir, const char *name, const char *text)
{
	char *path = path_join(dir, name),
	     *parent = xstrndup(path, (size_t)(strrchr(path, '/') - path));

	MUST(path_mkdirs(parent, 0700, NULL) == 0);
	MUST(path_write(path, text, strlen(text), 0600, NULL) == 0);
	free(parent);
	return path;
}
