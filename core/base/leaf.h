/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leaf cgroups of workers (cgroup v2), by their paths. A worker makes its own
 * (run/cgroup.c). The core keeps the path with the worker, and kills what is in
 * the leaf when the worker is lost: no process can leave it without drover.
 */
#ifndef BASE_LEAF_H
#define BASE_LEAF_H

#include <sys/types.h>

#define LEAF_PREFIX "drover-"

/*
 * The folder of a process's cgroup v2, which the caller frees. NULL if cgroup
 * v2 is not mounted or the process is gone.
 */
char *leaf_cgroup(pid_t pid);
/* The same, but NULL unless it is the leaf of this worker. */
char *leaf_of(pid_t pid, const char *worker);
/*
 * Kills every process in a leaf and removes it. A path that is not a leaf's, or
 * does not exist, is left alone; so may be NULL.
 */
void leaf_kill(const char *path);

#endif
