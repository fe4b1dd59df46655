/* SPDX-License-Identifier: Apache-2.0 */
/* In whose name drover commits: "Name <mail>". */
#ifndef CONFIG_IDENTITY_H
#define CONFIG_IDENTITY_H

#include <stdbool.h>

#include "config/config.h"

/* The identity where the configuration has none. */
#define IDENTITY_DROVER "drover <drover@localhost>"

/* What is said of another text, with it as the argument. */
#define IDENTITY_WANTED \
	"\"%.80s\" is not a name and an address: write it like " \
	"\"Robot <robot@example.org>\""

/* How the commits for a repo are made. Borrowed from the configuration. */
struct identity {
	const char *author; /* "Name <mail>"; NULL means IDENTITY_DROVER */
	bool signoff;
	const char *sign_key_file; /* NULL means that commits are not signed */
};

/*
 * Splits "Name <mail>", which is refused unless git keeps both as they are. The
 * caller frees both; they may be NULL if only the answer matters.
 */
bool identity_split(const char *text, char **name, char **mail);
/*
 * Joins a name and an address as git does: without "<", ">" and what it takes
 * away at either end. NULL if that leaves no identity. The caller frees it.
 */
char *identity_join(const char *name, const char *mail);
/* The identity for a repo: its own keys, then those of the configuration. */
struct identity identity_of(const struct config *, const struct config_repo *);

#endif
