/* SPDX-License-Identifier: Apache-2.0 */
/* The submodules of a tree: shared by submodule.c and submodule_*.c. */
#ifndef LEASE_SUBMODULE_H
#define LEASE_SUBMODULE_H

#include "lease/files.h"

struct submodule {
	char *path; /* from the top of the tree */
	char *url;  /* from where it is fetched; NULL when unknown, as in the keeper */
	char *refs; /* the mirror's folder for the refs of that url */
	bool moved; /* the agent moved it to another commit of its remote */
	bool own;   /* the url is at the repo's own origin, whose token it may have */
	/*
	 * its files and its repository, which has the mirror of the whole tree;
	 * base is the commit at which it belongs
	 */
	struct tree tree;
	git_oid files; /* its files but for the agent's work: what setup left counts */
};

struct submodules {
	struct submodule **list; /* a submodule comes before those in it */
	size_t len, size;
};

/*
 * Makes the whole url of a submodule from that of what it is in and the one in
 * .gitmodules. own tells whether it is at the origin. CONFIG when it is
 * refused.
 */
int submodule_url(const char *origin, const char *parent, const char *given, char **url, bool *own,
    struct error *);

/* Makes the description of a submodule at path of the tree. */
struct submodule *submodule_new(const struct tree *top, const char *path);
void submodule_free(struct submodule *);
/* True when its folder is one of the tree that no link leads to. */
bool submodule_there(const struct tree *top, const struct submodule *);
/* True when it has a repository, too. */
bool submodule_made(const struct tree *top, const struct submodule *);
/*
 * Makes its repository where it is missing or damaged, and puts back whatever
 * could make git run something.
 */
int submodule_guard(const struct tree *top, struct submodule *, struct error *);
/* Fetches its remote; commit is asked for by name where no ref leads to it. */
int submodule_fetch(const struct tree *top, const struct submodule *, const git_oid *commit,
    struct error *);

#endif
