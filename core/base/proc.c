/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes as /proc shows them. A sweep needs no list of what a job started:
 * the job's orphans become children of the subreaper, whatever session or group
 * they have moved to, and are killed round after round.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/text.h"

#define TREE_MAX 65536 /* processes in one walk, at most */
#define PARENTS_MAX 256
#define CLIMBS 3       /* tries, because a parent may end in the middle of one */

struct stat_line {
	char state;
	pid_t parent;
	uint64_t ticks;  /* user and system time of it and of the children that it reaped */
	uint64_t start;
	int64_t rss_pages;
};

struct pids {
	pid_t *items;
	size_t len, cap;
};

static ssize_t read_small(const char *, char *, size_t);
static int read_stat(pid_t, struct stat_line *);
static int climb(pid_t, bool (*match)(const void *, pid_t, uint64_t), const void *);
static void pids_add(struct pids *, pid_t);
static bool pids_remove(struct pids *, pid_t);
static void add_children(struct pids *, pid_t);
static void add_children_slow(struct pids *, pid_t);
static int namespaces(pid_t);
static bool guards_namespace(pid_t);
static int signal_one(const struct pids *, size_t, pid_t, int);
static int reap_all(struct pids *);
static int kill_children(struct pids *);
static void wait_one(const struct pids *, int64_t);

bool
proc_harden(void)
{
	const struct rlimit none = { 0, 0 };
	/* The first process belongs to root, so hidepid hides it as well. */
	bool shown = access("/proc/1/stat", R_OK) == 0;

	MUST(setrlimit(RLIMIT_CORE, &none) == 0);
	MUST(prctl(PR_SET_DUMPABLE, shown ? 0 : 1) == 0);
	return shown;
}

void
proc_hide_environ(void)
{
	/*
	 * By TRACEPARENT a daemon is found and ended that a job of another
	 * daemon has left behind.
	 */
	static const char *const shown[] = { "HOME=", "PATH=", "TRACEPARENT=", "USER=" };
	/* The list and its strings stay reachable, whatever setenv() does. */
	static char **own;
	size_t i, j, size, n = 0, bytes = 0;
	char *at;

	for (; environ[n] != NULL; n++)
		bytes += strlen(environ[n]) + 1;
	own = xcalloc(1, (n + 1) * sizeof *own + bytes);
	at = (char *)(own + n + 1);
	for (i = 0; i < n; i++, at += size) {
		size = strlen(environ[i]) + 1;
		own[i] = memcpy(at, environ[i], size);
		for (j = 0; j < ARRAY_LEN(shown); j++)
			if (strncmp(at, shown[j], strlen(shown[j])) == 0)
				break;
		if (j == ARRAY_LEN(shown))
			explicit_bzero(environ[i], size);
	}
	environ = own;
}

static ssize_t
read_small(const char *path, char *out, size_t size)
{
	ssize_t n;
	int fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return -1;
	do
		n = read(fd, out, size - 1);
	while (n == -1 && errno == EINTR);
	close(fd);
	out[n > 0 ? n : 0] = '\0';
	return n;
}

static int
read_stat(pid_t pid, struct stat_line *line)
{
	uint64_t utime, stime;
	int64_t cutime, cstime;
	char path[64], text[1024], *p;
	int parent;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	if (read_small(path, text, sizeof text) < 1 || (p = strrchr(text, ')')) == NULL)
		return -1;
	/*
	 * The name in parentheses may contain anything, even spaces and ')'.
	 * The numbers begin after the last ')'.
	 */
	if (sscanf(p + 1,
		" %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64 " %" SCNd64
		" %" SCNd64 " %*d %*d %*d %*d %" SCNu64 " %*u %" SCNd64,
		&line->state, &parent, &utime, &stime, &cutime, &cstime, &line->start,
		&line->rss_pages) != 8)
		return -1;
	line->parent = parent;
	line->ticks = utime + stime + (uint64_t)cutime + (uint64_t)cstime;
	return 0;
}

int
proc_identify(pid_t pid, struct proc_id *id)
{
	struct stat_line line;
	char boot[PROC_BOOT_ID_MAX];

	memset(id, 0, sizeof *id);
	if (pid <= 0 || read_stat(pid, &line) == -1 ||
	    read_small("/proc/sys/kernel/random/boot_id", boot, sizeof boot) < 1)
		return -1;
	boot[strcspn(boot, "\n")] = '\0';
	id->pid = pid;
	id->start = line.start;
	text_copy(id->boot, sizeof id->boot, boot);
	return 0;
}

bool
proc_alive(const struct proc_id *id)
{
	struct stat_line line;
	struct proc_id now;

	if (proc_identify(id->pid, &now) == -1 || now.start != id->start ||
	    strcmp(now.boot, id->boot) != 0)
		return false;
	return read_stat(id->pid, &line) == 0 && line.start == id->start && line.state != 'Z' &&
	    line.state != 'X';
}

static int
climb(pid_t pid, bool (*match)(const void *, pid_t, uint64_t), const void *arg)
{
	uint64_t below = UINT64_MAX;
	struct stat_line line;

	for (int i = 0; pid > 0 && i < PARENTS_MAX; i++) {
		/*
		 * A process of another user may be hidden (mount option hidepid
		 * of /proc), so the climb ends there. Only a setuid program has
		 * processes of this user above it.
		 */
		if (read_stat(pid, &line) == -1)
			return kill(pid, 0) == -1 && errno == EPERM ? 0 : -1;
		/* A parent is older, unless its pid has been used again. */
		if (line.start > below)
			return -1;
		if (match(arg, pid, line.start))
			return 1;
		below = line.start;
		pid = line.parent;
	}
	return pid > 0 ? -1 : 0;
}

int
proc_descends(pid_t pid, bool (*match)(const void *, pid_t, uint64_t), const void *arg)
{
	int rc = -1;

	for (int i = 0; i < CLIMBS && rc == -1; i++)
		rc = climb(pid, match, arg);
	return rc;
}

static void
pids_add(struct pids *pids, pid_t pid)
{
	pids->items = xgrow(pids->items, pids->len + 1, &pids->cap, sizeof *pids->items);
	pids->items[pids->len++] = pid;
}

static bool
pids_remove(struct pids *pids, pid_t pid)
{
	size_t i;

	for (i = 0; i < pids->len; i++)
		if (pids->items[i] == pid) {
			pids->items[i] = pids->items[--pids->len];
			return true;
		}
	return false;
}

static void
add_children(struct pids *pids, pid_t parent)
{
	struct buf text = BUF_INIT;
	struct dirent *e;
	char path[96], *p, *end;
	DIR *dir;
	long pid;

	snprintf(path, sizeof path, "/proc/%d/task", (int)parent);
	if ((dir = opendir(path)) == NULL)
		return;
	while ((e = readdir(dir)) != NULL) {
		if (e->d_name[0] < '0' || e->d_name[0] > '9')
			continue;
		snprintf(path, sizeof path, "/proc/%d/task/%.16s/children", (int)parent, e->d_name);
		buf_clear(&text);
		if (path_read(path, 1 << 20, &text, NULL) == -1 || text.len == 0)
			continue;
		for (p = text.data; pids->len < TREE_MAX && (pid = strtol(p, &end, 10), end != p);
		     p = end)
			pids_add(pids, (pid_t)pid);
	}
	closedir(dir);
	buf_free(&text);
}

/*
 * Used on kernels without CONFIG_PROC_CHILDREN, and when the kernel's list is
 * empty: it leaves out entries that change while it is read.
 */
static void
add_children_slow(struct pids *pids, pid_t parent)
{
	struct stat_line line;
	struct dirent *e;
	DIR *dir;
	long pid;

	if ((dir = opendir("/proc")) == NULL)
		return;
	while ((e = readdir(dir)) != NULL && pids->len < TREE_MAX) {
		pid = strtol(e->d_name, NULL, 10);
		if (pid > 0 && read_stat((pid_t)pid, &line) == 0 && line.parent == parent)
			pids_add(pids, (pid_t)pid);
	}
	closedir(dir);
}

int
proc_tree_usage(pid_t root, struct proc_usage *usage)
{
	int64_t tick_ms = 1000 / sysconf(_SC_CLK_TCK), page = sysconf(_SC_PAGESIZE);
	struct stat_line line;
	struct pids tree = { NULL, 0, 0 };
	size_t i;

	memset(usage, 0, sizeof *usage);
	if (read_stat(root, &line) == -1)
		return -1;
	add_children(&tree, root);
	for (i = 0; i < tree.len; i++) {
		if (read_stat(tree.items[i], &line) == -1)
			continue;
		usage->cpu_ms += (int64_t)line.ticks * tick_ms;
		usage->rss += line.rss_pages * page;
		usage->count++;
		add_children(&tree, tree.items[i]);
	}
	free(tree.items);
	return 0;
}

int64_t
proc_cpu_ms(pid_t pid)
{
	struct stat_line line;

	if (read_stat(pid, &line) == -1)
		return 0;
	return (int64_t)line.ticks * (1000 / sysconf(_SC_CLK_TCK));
}

int
proc_wait(pid_t pid, int64_t until)
{
	int rc, saved, pidfd = pidfd_open(pid, 0);

	if (pidfd == -1)
		return -1;
	rc = clock_poll(pidfd, until);
	saved = errno;
	close(pidfd);
	errno = saved;
	return rc;
}

int
proc_reap(pid_t pid, int *status)
{
	pid_t got;

	while ((got = waitpid(pid, status, 0)) == -1 && errno == EINTR)
		;
	return got == pid ? 0 : -1;
}

int
proc_reap_ended(pid_t pid, bool family, int64_t limit_ms, int *status, struct rusage *usage)
{
	int64_t until = clock_mono() + limit_ms;
	pid_t got;

	while ((got = wait4(pid, status, WNOHANG, usage)) <= 0) {
		if (got == -1 && errno != EINTR)
			return -1;
		if (got == 0 && clock_mono() >= until) {
			errno = ETIMEDOUT;
			return -1;
		}
		if (got == 0 && family)
			(void)proc_signal_tree(getpid(), SIGKILL);
		if (got == 0)
			poll(NULL, 0, 1);
	}
	return 0;
}

/* In how many pid namespaces below this one a process is; 0 if it is gone. */
static int
namespaces(pid_t pid)
{
	char path[64], text[4096], *at;
	int n = 0;

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	if (read_small(path, text, sizeof text) < 1 || (at = strstr(text, "\nNSpid:")) == NULL)
		return 0;
	for (at++; *at != '\n' && *at != '\0'; at++)
		n += *at == '\t';
	return n;
}

static bool
guards_namespace(pid_t pid)
{
	struct pids children = { NULL, 0, 0 };
	int own = namespaces(pid);
	bool found = false;
	size_t i;

	add_children(&children, pid);
	for (i = 0; i < children.len && !found; i++)
		found = namespaces(children.items[i]) > own;
	free(children.items);
	return found;
}

/*
 * Signals one process of the tree. Its pidfd is opened before its parent is
 * checked, so the check and the signal concern the same process.
 */
static int
signal_one(const struct pids *tree, size_t i, pid_t root, int number)
{
	struct stat_line line;
	int pidfd = pidfd_open(tree->items[i], 0), sent = 0;
	size_t j;

	if (pidfd == -1)
		return 0;
	if (read_stat(tree->items[i], &line) == 0) {
		for (j = 0; line.parent != root && j < tree->len && tree->items[j] != line.parent;
		     j++)
			;
		sent = j < tree->len && (number == SIGKILL || !guards_namespace(tree->items[i])) &&
		    pidfd_send_signal(pidfd, number, NULL, 0) == 0;
	}
	close(pidfd);
	return sent;
}

int
proc_signal_tree(pid_t root, int number)
{
	struct pids tree = { NULL, 0, 0 };
	size_t i;
	int n = 0;

	add_children(&tree, root);
	for (i = 0; i < tree.len; i++)
		add_children(&tree, tree.items[i]);
	for (i = tree.len; i-- > 0;)
		n += signal_one(&tree, i, root, number);
	free(tree.items);
	return n;
}

/*
 * Reaps all children that have ended. Returns 1 if children are left, 0 if not.
 */
static int
reap_all(struct pids *killed)
{
	pid_t pid;

	for (;;) {
		pid = waitpid(-1, NULL, WNOHANG);
		if (pid > 0)
			pids_remove(killed, pid);
		else if (pid == 0)
			return 1;
		else if (errno != EINTR)
			return 0;
	}
}

/*
 * Kills the children that are not in killed yet, and returns how many. A child
 * keeps its pid until it is reaped, so kill() cannot hit another process.
 */
static int
kill_children(struct pids *killed)
{
	struct pids children = { NULL, 0, 0 };
	struct stat_line line;
	size_t i, j;
	int n = 0;

	add_children(&children, getpid());
	if (children.len == 0)
		add_children_slow(&children, getpid());
	for (i = 0; i < children.len; i++) {
		for (j = 0; j < killed->len && killed->items[j] != children.items[i]; j++)
			;
		if (j < killed->len || read_stat(children.items[i], &line) == -1 ||
		    line.state == 'Z' || line.parent != getpid())
			continue;
		if (kill(children.items[i], SIGKILL) == 0) {
			pids_add(killed, children.items[i]);
			n++;
		}
	}
	free(children.items);
	return n;
}

/* Waits until one of the killed processes is dead, for ms at most. */
static void
wait_one(const struct pids *killed, int64_t ms)
{
	struct pollfd pfd = { .fd = -1, .events = POLLIN };

	if (killed->len > 0)
		pfd.fd = pidfd_open(killed->items[0], 0);
	poll(&pfd, 1, pfd.fd == -1 ? 1 : (int)ms);
	if (pfd.fd != -1)
		close(pfd.fd);
}

int
proc_sweep_children(int64_t limit_ms)
{
	struct pids killed = { NULL, 0, 0 };
	int64_t left, begin = clock_mono();
	int n = 0;

	while (reap_all(&killed) != 0) {
		left = limit_ms - (clock_mono() - begin);
		if (left <= 0) {
			n = -1;
			break;
		}
		n += kill_children(&killed);
		wait_one(&killed, left < 50 ? left : 50);
	}
	free(killed.items);
	return n;
}

pid_t
proc_child_left(char *name, size_t size)
{
	struct pids children = { NULL, 0, 0 };
	char path[64];
	pid_t pid;

	add_children(&children, getpid());
	if (children.len == 0)
		add_children_slow(&children, getpid());
	pid = children.len > 0 ? children.items[0] : 0;
	free(children.items);
	snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
	if (read_small(path, name, size) < 1)
		name[0] = '\0';
	name[strcspn(name, "\n")] = '\0';
	return pid;
}

int64_t
proc_memory_available(void)
{
	char text[4096], *p;
	int64_t kib;

	if (read_small("/proc/meminfo", text, sizeof text) < 1 ||
	    (p = strstr(text, "MemAvailable:")) == NULL)
		return -1;
	return sscanf(p, "MemAvailable: %" SCNd64, &kib) == 1 ? kib * 1024 : -1;
}
