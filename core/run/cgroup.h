/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's leaf in cgroup v2, where the system lets us have one: kills at
 * once what breeds faster than it can be swept.
 */
#ifndef RUN_CGROUP_H
#define RUN_CGROUP_H

struct cgroup;

/*
 * Makes the leaf and moves this process into it. NULL where cgroup v2 is not
 * there or not writable: the subreaper's sweep has to do.
 */
struct cgroup *cgroup_new(const char *worker);
/* Kills everything in it but this process. NULL is fine. */
void cgroup_sweep(const struct cgroup *);
/* Moves this process back and removes the leaf. NULL is fine. */
void cgroup_free(struct cgroup *);

#endif
