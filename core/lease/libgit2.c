/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the calls of libgit2 at run time. */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/library.h"
#include "base/mem.h"
#include "lease/libgit2.h"

#define LIBGIT2_FILE "libgit2.so." LIBGIT2_SOVERSION

static void libgit2_load(void);

struct libgit2 git2;
static bool is_loaded;

static void
libgit2_load(void)
{
	static const struct library_call calls[] = {
#define X(call) { "git_" #call, offsetof(struct libgit2, call) },
		LIBGIT2_CALLS(X)
#undef X
	};

	is_loaded = library_load(LIBGIT2_FILE, calls, ARRAY_LEN(calls), &git2) == 0;
}

int
libgit2_open(struct error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, libgit2_load);
	if (is_loaded)
		return 0;
	return error_set(err, DROVER_CONFIG, LIBGIT2_FILE " cannot be loaded: install libgit2 "
	    LIBGIT2_SOVERSION ", with which drover was built");
}
