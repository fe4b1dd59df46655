/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether bwrap works is found out by running it once: the kernel, a security
 * module or a container may forbid what it needs, and only it knows what that
 * is.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bwrap.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/spawn.h"

#define PROBE_MS 10000

static char *bwrap_find(void);
static int bwrap_try(char *said, size_t size);
static void bwrap_probe(void);

static pthread_once_t probed = PTHREAD_ONCE_INIT;
static char *path, *fault;

const char *
bwrap_path(void)
{
	pthread_once(&probed, bwrap_probe);
	return path;
}

const char *
bwrap_fault(void)
{
	pthread_once(&probed, bwrap_probe);
	return fault;
}

/* bwrap is drover's own tool, so it is looked for in the daemon's PATH. */
static char *
bwrap_find(void)
{
	const char *at = getenv("PATH"), *end;
	char *file;

	if (at == NULL || *at == '\0')
		at = "/usr/bin:/bin";
	for (; *at != '\0'; at = *end == ':' ? end + 1 : end) {
		end = strchrnul(at, ':');
		file = xasprintf("%.*s/bwrap", (int)(end - at), at);
		if (*at == '/' && access(file, X_OK) == 0)
			return file;
		free(file);
	}
	return NULL;
}

/* Runs true in the namespaces of a command. said gets the first error. */
static int
bwrap_try(char *said, size_t size)
{
	const char *const argv[] = { path, "--die-with-parent", "--unshare-pid", "--unshare-ipc",
		"--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc",
		"--tmpfs", "/tmp", "--", "true", NULL };
	int status = -1, errors = memfd_create("probe", MFD_CLOEXEC);
	struct spawn child = { .argv = argv, .group = true };
	ssize_t n;
	pid_t pid;

	child.fd[STDERR_FILENO] = errors > 0 ? errors : SPAWN_NULL;
	if (spawn_start(&child, &pid) != 0) {
		snprintf(said, size, "%s", strerror(errno));
	} else {
		if (proc_wait(pid, clock_mono() + PROBE_MS) != 0)
			kill(-pid, SIGKILL);
		(void)proc_reap(pid, &status);
		n = errors > 0 ? pread(errors, said, size - 1, 0) : 0;
		said[n > 0 ? n : 0] = '\0';
		said[strcspn(said, "\n")] = '\0';
	}
	path_close(&errors);
	return status;
}

static void
bwrap_probe(void)
{
	char said[300] = "";

	if ((path = bwrap_find()) == NULL)
		fault = xstrdup("bwrap is not in the daemon's PATH: install the package "
				"bubblewrap");
	else if (bwrap_try(said, sizeof said) != 0)
		fault = xasprintf("bwrap does not work here (%s): allow user namespaces "
				  "(sysctl kernel.unprivileged_userns_clone, "
				  "kernel.apparmor_restrict_unprivileged_userns; in a "
				  "container, its seccomp profile)",
		    *said != '\0' ? said : "it gave no reason");
}
