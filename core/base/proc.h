/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes: who is who (pid + start time + boot), what a tree uses, and
 * sweeping what is left of one.
 */
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PROC_BOOT_ID_MAX 40

/*
 * Proves identity over restarts: pids come again, (pid, start) within one boot
 * do not.
 */
struct proc_id {
	int32_t pid;
	uint64_t start;                  /* field 22 of /proc/PID/stat, clock ticks since boot */
	char boot[PROC_BOOT_ID_MAX];     /* /proc/sys/kernel/random/boot_id */
};

struct proc_usage {
	int64_t cpu_ms; /* user and system, of all that are alive and of the children they reaped */
	int64_t rss;                     /* bytes */
	int count;
};

/*
 * Fills id for a process that is there, also one that has ended and is not
 * reaped; -1 when there is none.
 */
int proc_identify(pid_t pid, struct proc_id *id);
/* It is that very process, and it has not ended. */
bool proc_alive(const struct proc_id *id);
/*
 * All descendants of root (not root itself), by walking
 * /proc/PID/task/TID/children.
 */
int proc_tree_usage(pid_t root, struct proc_usage *usage);
/*
 * Waits until a child has ended, without reaping it; until is on clock_mono(),
 * 0 for no limit. 0, or -1 with errno, ETIMEDOUT when that moment has passed.
 */
int proc_wait(pid_t pid, int64_t until);
/* Reaps a child, however long it takes; status may be NULL. 0, or -1: errno. */
int proc_reap(pid_t pid, int *status);
/*
 * Sends a signal to all descendants of root (not root itself), the youngest
 * generation first, whatever groups and sessions they have moved to. Returns
 * how many got it.
 */
int proc_signal_tree(pid_t root, int number);
/*
 * For a subreaper: SIGKILLs and reaps all children, also those that arrive
 * meanwhile, until none is left or limit_ms has passed. Returns how many were
 * killed, -1 when some are left.
 */
int proc_sweep_children(int64_t limit_ms);
/*
 * SIGKILLs exactly this process, by pidfd: one that has its pid by now is left
 * alone.
 */
void proc_kill(const struct proc_id *id);
/*
 * SIGKILLs every process of this user whose initial environment has a variable
 * that begins with marker ("NAME=value"). Returns how many.
 */
int proc_sweep_marked(const char *marker);
/* MemAvailable of /proc/meminfo in bytes; -1 when unknown. */
int64_t proc_memory_available(void);

#endif
