/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Git LFS: a commit has a pointer, and the contents are an object of their own,
 * which is fetched from and uploaded to the LFS server of the remote. The
 * mirror keeps the objects for all jobs, in MIRROR/lfs; drover defines the
 * filter itself (filters.c).
 */
#ifndef LEASE_LFS_H
#define LEASE_LFS_H

#include "lease/files.h"

#define LFS_FILTER "lfs"

/* True when git-lfs is in PATH. */
bool lfs_found(void);
/*
 * Refuses, for a repo whose attributes mention LFS, a missing git-lfs and a
 * commit whose .lfsconfig names a server on another host.
 */
int lfs_ready(const struct tree *, const git_oid *commit, struct error *);
/*
 * Fetches the objects of a commit that the mirror lacks. Nothing in a process
 * that does not know the remote.
 */
int lfs_fetch(const struct tree *, const git_oid *commit, struct error *);
/*
 * Takes the objects that were made in the tree into the mirror. A file that is
 * not what its name says is left out.
 */
int lfs_take_in(const struct tree *, struct error *);
/* Uploads the objects of a commit that the remote lacks. */
int lfs_push(const struct tree *, const git_oid *commit, struct error *);

#endif
