/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sandbox of a job's commands: bubblewrap (bwrap) gives a command its own
 * processes and its own view of the files, in which only what the job may see
 * is left. The network stays, unless it is asked for none.
 */
#ifndef HOST_SANDBOX_H
#define HOST_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "host/env.h"
#include "host/scope.h"

/* The descriptor on which bwrap says what becomes of the command. */
#define SANDBOX_STATUS_FD 3

/* What a command asks for. */
struct sandbox {
	enum config_sandbox mode;
	enum config_network network;
	bool read_only; /* the job's trees cannot be written */
	/*
	 * paths that it may see and write; absolute, NULL-terminated; NULL if
	 * there are none
	 */
	char *const *paths;
};

/* A path of the sandbox, as the last word about it left it. */
struct sandbox_place {
	char *path;
	bool seen;
};

/* The words of bwrap's command line, and what they show. */
struct sandbox_words {
	char **list; /* argv, NULL-terminated */
	size_t len, cap;
	struct sandbox_place *places;
	size_t places_len, places_cap;
	char *home; /* real path of the user's home, or NULL */
};

/*
 * The sandbox that is configured for a command of the agent (NULL for setup and
 * check) on the repo (NULL if it works on no repo): the stricter of theirs.
 */
enum config_sandbox sandbox_mode(const struct config *, const struct config_agent *,
    const struct config_repo *);
/* The network of such a command; the stricter, too. Both may be NULL. */
enum config_network sandbox_network(const struct config_agent *, const struct config_repo *);
/*
 * Makes the argv that runs file with argv in cwd inside of the sandbox. file is
 * the program's path. The job's own HOME is made, and env gets another HOME
 * when the user's cannot be replaced. 1: words is to be run; 0: the command is
 * to run without a sandbox, and the log says why if one was asked for; -1 and
 * CONFIG: a sandbox is required (by the mode, or for a command without a
 * network), and there is none. sandbox_free() is due in
 * each case.
 */
int sandbox_wrap(struct sandbox_words *, struct scope *, const struct sandbox *, struct env *,
    const char *file, const char *const *argv, const char *cwd, struct error *);
void sandbox_free(struct sandbox_words *);

#endif
