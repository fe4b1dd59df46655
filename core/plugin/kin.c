/* SPDX-License-Identifier: Apache-2.0 */
/* Walks /proc/PID/task/TID/children from the top; each process is held by a pidfd while it is looked at. */
#include <sys/syscall.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/path.h"
#include "base/units.h"
#include "plugin/kin.h"

#define KIN_DEPTH_MAX 64
#define KIN_CHILDREN_MAX (1024 * 1024)

static pid_t kin_parent(pid_t);
static void kin_walk(pid_t parent, int number, int depth);
static void kin_visit(pid_t pid, pid_t parent, int number, int depth);

/* Field 4 of /proc/PID/stat; the name before it may hold anything but ends with the last ")". */
static pid_t
kin_parent(pid_t pid)
{
	struct buf text = BUF_INIT;
	char path[40];
	const char *p;
	int parent = -1;

	(void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	if (path_read(path, 4096, &text, NULL) == 0 && (p = strrchr(buf_str(&text), ')')) != NULL &&
	    sscanf(p, ") %*c %d", &parent) != 1)
		parent = -1;
	buf_free(&text);
	return parent;
}

/* The pidfd is opened before the parent is asked: then the answer is that very process's, and the signal goes to it. */
static void
kin_visit(pid_t pid, pid_t parent, int number, int depth)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd == -1)
		return;
	if (kin_parent(pid) == parent) {
		kin_walk(pid, number, depth + 1);
		(void)syscall(SYS_pidfd_send_signal, fd, number, NULL, 0);
	}
	close(fd);
}

static void
kin_walk(pid_t parent, int number, int depth)
{
	struct buf children = BUF_INIT;
	struct dirent *task;
	char path[320], *word, *rest;
	int64_t pid;
	DIR *tasks;

	(void)snprintf(path, sizeof path, "/proc/%d/task", (int)parent);
	if (depth > KIN_DEPTH_MAX || (tasks = opendir(path)) == NULL)
		return;
	while ((task = readdir(tasks)) != NULL) {
		(void)snprintf(path, sizeof path, "/proc/%d/task/%s/children", (int)parent, task->d_name);
		buf_clear(&children);
		if (task->d_name[0] == '.' || path_read(path, KIN_CHILDREN_MAX, &children, NULL) == -1)
			continue;
		rest = children.data;
		while ((word = strsep(&rest, " \n")) != NULL) {
			if (units_parse_int(word, 1, INT32_MAX, &pid) == 0)
				kin_visit((pid_t)pid, parent, number, depth);
		}
	}
	closedir(tasks);
	buf_free(&children);
}

void
kin_signal(pid_t root, int number)
{
	kin_walk(root, number, 0);
}
