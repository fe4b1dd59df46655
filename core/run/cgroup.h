/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's own leaf cgroup (cgroup v2), where the system allows one. Killing
 * the leaf ends at once even processes that fork faster than the sweep of
 * core/base/proc.c can find them. The worker makes it when it starts; job.c
 * clears it when the sweep has failed.
 */
#ifndef RUN_CGROUP_H
#define RUN_CGROUP_H

struct cgroup;

/*
 * Makes the leaf and moves this process into it. Returns NULL where cgroup v2
 * is missing or not writable; then only the sweep kills what a job leaves.
 */
struct cgroup *cgroup_new(const char *worker);
/* Kills every process in the leaf except this one. NULL is allowed. */
void cgroup_sweep(const struct cgroup *);
/*
 * Moves this process back to the parent cgroup and removes the leaf. NULL is
 * allowed.
 */
void cgroup_free(struct cgroup *);

#endif
