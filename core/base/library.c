/* SPDX-License-Identifier: Apache-2.0 */
/* dlopen() and dlsym() for a table of functions. */
#include <dlfcn.h>
#include <string.h>

#include "base/library.h"

int
library_load(const char *file, const struct library_call *calls, size_t n, void *table)
{
	void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL), *symbol;

	if (library == NULL)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if ((symbol = dlsym(library, calls[i].name)) == NULL)
			return -1;
		memcpy((char *)table + calls[i].offset, &symbol, sizeof symbol);
	}
	return 0;
}
