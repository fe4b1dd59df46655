/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes: their identity (pid, start time and boot), what a tree of them
 * uses, and killing what is left of a tree.
 */
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#define PROC_BOOT_ID_MAX 40

/*
 * Identifies a process even after drover was restarted: pids are reused, but a
 * pid with its start time is unique within one boot.
 */
struct proc_id {
	int32_t pid;
	uint64_t start;                  /* clock ticks since boot, field 22 of /proc/PID/stat */
	char boot[PROC_BOOT_ID_MAX];     /* /proc/sys/kernel/random/boot_id */
};

struct proc_usage {
	/*
	 * User and system time of all that are alive, and of the children that
	 * they reaped.
	 */
	int64_t cpu_ms;
	int64_t rss;                     /* bytes */
	int count;
};

/*
 * Closes this process to others of its user: they cannot read its memory,
 * environment and open files or trace it, and it never leaves a core dump.
 * Forks inherit all of this, a program that it starts only the limit on core
 * dumps. Returns false where /proc hides such processes (mount option hidepid):
 * the core could not watch its workers, so there only core dumps are off.
 */
bool proc_harden(void);
/*
 * Moves the environment into memory of this process's own and wipes what it had
 * at its start, which /proc/PID/environ would show to root for ever. Variables
 * that agents get as well stay there. getenv() and programs that are started
 * see no difference. Call it before there are threads, since pointers that
 * getenv() has given lead to empty strings afterwards.
 */
void proc_hide_environ(void);
/*
 * Fills in id for a process, even if it has ended and is not reaped yet.
 * Returns -1 if no process has this pid.
 */
int proc_identify(pid_t pid, struct proc_id *id);
/* True if this very process exists and has not ended. */
bool proc_alive(const struct proc_id *id);
/*
 * Returns 1 if match() is true for the process or for one above it (its parent,
 * the parent's parent and so on), 0 if not. start is as in struct proc_id.
 * Returns -1 if that cannot be told, because the process has ended or the row
 * of its parents is too long.
 */
int proc_descends(pid_t pid, bool (*match)(const void *arg, pid_t pid, uint64_t start),
    const void *arg);
/*
 * Sums up all descendants of root, without root itself. Returns -1 if root does
 * not exist.
 */
int proc_tree_usage(pid_t root, struct proc_usage *usage);
/*
 * CPU time in ms that the process and the children that it reaped have used. It
 * may have ended, as long as its parent has not reaped it; 0 after that.
 */
int64_t proc_cpu_ms(pid_t pid);
/*
 * Waits until a child has ended, without reaping it. until is a time on
 * clock_mono(), 0 for no limit. Returns 0, or -1 with errno: ETIMEDOUT when
 * that time has come.
 */
int proc_wait(pid_t pid, int64_t until);
/*
 * Reaps a child, however long that takes. status may be NULL. Returns 0, or -1
 * with errno.
 */
int proc_reap(pid_t pid, int *status);
/*
 * Reaps a child that has ended. While another process traces the child, it
 * cannot be reaped: with family all descendants of this process are killed
 * then, the tracer among them. Returns 0, or -1 with errno: ETIMEDOUT when the
 * child could not be reaped within limit_ms.
 */
int proc_reap_ended(pid_t pid, bool family, int64_t limit_ms, int *status, struct rusage *usage);
/*
 * Sends a signal to all descendants of root, without root itself, the youngest
 * generation first, in whatever groups and sessions they are. A process that
 * waits for the first of a new pid namespace gets no signal but SIGKILL: with
 * it all others of the namespace would die, before they could act on theirs.
 * Returns how many received it.
 */
int proc_signal_tree(pid_t root, int number);
/*
 * For a subreaper: kills (SIGKILL) and reaps all its children, also those that
 * arrive meanwhile, until none is left or limit_ms has passed. Returns how many
 * were killed, or -1 if some are left.
 */
int proc_sweep_children(int64_t limit_ms);
/*
 * The pid of a child that is not reaped, 0 if there is none. name gets its
 * name, as /proc/PID/comm has it, or "".
 */
pid_t proc_child_left(char *name, size_t size);
/*
 * Kills (SIGKILL) exactly this process. If another process has its pid by now,
 * that one is left alone.
 */
void proc_kill(const struct proc_id *id);
/*
 * Kills (SIGKILL) every process of this user whose initial environment contains
 * a variable that begins with marker, which is "NAME=value". Returns how many.
 */
int proc_sweep_marked(const char *marker);
/* MemAvailable of /proc/meminfo in bytes; -1 if it cannot be read. */
int64_t proc_memory_available(void);

#endif
