/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares leases with git: how long a job waits for its tree, as a ratio of
 * the time that git takes for a new worktree in the same run. The alternatives
 * take turns in each round, so that a noisy machine is noisy for all of them.
 * Nothing is deleted within a round, because on ext4 that slows down the
 * creation of files afterwards.
 *
 * Prints the lines that bench/run.sh makes rows of, WHAT|FIGURE|AT LEAST|AIM|,
 * and notes, which have no figure.
 *
 * usage: bench-lease [FILES [ROUNDS [FOLDER]]]
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/units.h"
#include "lease/files.h"

#define ROUNDS_MAX 25
#define BYTES_PER_FILE 19000
#define CROWD 32
#define HISTORY 5000       /* jobs */
#define HISTORY_ROUNDS 15

enum { GIT_PLAIN, GIT_WORKERS, COLD, WARM, WARM_DIRTY, RETURN_DIRTY, REMOVE, WAYS };

static const char *const names[WAYS] = {
	"git worktree add",
	"git -c checkout.workers=N worktree add",
	"cold lease",
	"warm lease",
	"lease of a dirty tree",
	"return of a dirty tree",
	"removal",
};

extern char **environ;

static void run(const char *, const char *, ...) __attribute__((format(printf, 2, 3)));

static void
run(const char *dir, const char *format, ...)
{
	char *argv[] = { (char *)(uintptr_t)"sh", (char *)(uintptr_t)"-c", NULL, NULL }, *script;
	va_list ap;
	int status;
	pid_t pid;

	va_start(ap, format);
	script = xvasprintf(format, ap);
	va_end(ap);
	argv[2] = xasprintf("set -e; cd '%s'; %s", dir, script);
	MUST(posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ) == 0);
	while (waitpid(pid, &status, 0) < 0)
		MUST(errno == EINTR);
	MUST(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	free(argv[2]);
	free(script);
}

/* Writes text that compresses fairly well, ten files in each folder. */
static char *
make_upstream(const char *dir, const char *folder, int64_t files)
{
	char *up = path_join(dir, folder), *data = xmalloc(BYTES_PER_FILE), *name;
	uint64_t seed = 88172645463325252u;

	for (int64_t i = 0; i < files; i++) {
		for (size_t at = 0; at < BYTES_PER_FILE; at++) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			data[at] = at % 64 == 63 ? '\n' : (char)('a' + seed % 26);
		}
		name = xasprintf("%s/d%lld", up, (long long)(i / 10));
		MUST(path_mkdirs(name, 0700, NULL) == 0);
		free(name);
		name = xasprintf("%s/d%lld/f%lld.txt", up, (long long)(i / 10), (long long)i);
		int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		MUST(fd >= 0 && path_write_all(fd, data, BYTES_PER_FILE) == 0);
		close(fd);
		free(name);
	}
	run(up,
	    "git init -q -b main . && git add -A && git -c user.name=b -c user.email=b@localhost "
	    "commit -qm files");
	free(data);
	return up;
}

static void
must(int rc, const struct error *err)
{
	if (rc != 0) {
		fprintf(stderr, "bench-lease: %s\n", err->text);
		exit(EXIT_FAILURE);
	}
}

static int
by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Changes 20 files and makes 100 new ones. */
static void
make_dirty(const struct tree *t, const char *text)
{
	run(t->path,
	    "for i in $(seq 20); do for f in d$i/*; do echo %s >>$f; break; done; done; mkdir new; "
	    "for i in $(seq 100); do echo $i >new/$i; done",
	    text);
}

static void
lease_rounds(struct tree *t, int64_t took[WAYS], struct error *err)
{
	const struct timespec second = { 1, 100000000 };
	char saved[256];
	int64_t begun = clock_mono_us();

	must(tree_prepare(t, "new", NULL, saved, sizeof saved, err), err);
	took[COLD] = clock_mono_us() - begun;
	/*
	 * git does not trust an index entry that is as young as the index
	 * itself; a real job lasts longer than that second.
	 */
	nanosleep(&second, NULL);
	must(tree_return(t, saved, sizeof saved, err), err);
	begun = clock_mono_us();
	must(tree_prepare(t, "warm", NULL, saved, sizeof saved, err), err);
	took[WARM] = clock_mono_us() - begun;
	make_dirty(t, "first");
	begun = clock_mono_us();
	must(tree_prepare(t, "dirty", NULL, saved, sizeof saved, err), err);
	took[WARM_DIRTY] = clock_mono_us() - begun;
	make_dirty(t, "second");
	begun = clock_mono_us();
	must(tree_return(t, saved, sizeof saved, err), err);
	took[RETURN_DIRTY] = clock_mono_us() - begun;
	begun = clock_mono_us();
	must(tree_remove(t, saved, sizeof saved, err), err);
	took[REMOVE] = clock_mono_us() - begun;
}

/*
 * Asks for leases of one repo at the same moment, each in a process of its own.
 * Returns how many fail.
 */
static int
lease_crowd(const char *dir)
{
	struct config_repo repo = { .name = (char *)(uintptr_t) "crowd",
		.base = (char *)(uintptr_t) "main" };
	char *state = path_join(dir, "crowd"), *mirror = path_join(state, "mirrors/crowd.git"),
	     *up = make_upstream(dir, "small", 200);
	char saved[256];
	pid_t children[CROWD];
	int status, gate[2], failed = 0;
	struct error err = { .code = 0 };

	repo.url = up;
	MUST(pipe(gate) == 0);
	for (int i = 0; i < CROWD; i++) {
		MUST((children[i] = fork()) != -1);
		if (children[i] == 0) {
			char *path = xasprintf("%s/trees/crowd/%d", state, i + 1);
			struct tree t;

			close(gate[1]);
			(void)!read(gate[0], saved, 1);
			must(tree_init(&t, (uint64_t)i + 1, &repo, path, mirror, state, &err),
			    &err);
			must(tree_fetch(&t, &err), &err);
			must(tree_prepare(&t, "new", NULL, saved, sizeof saved, &err), &err);
			must(tree_return(&t, saved, sizeof saved, &err), &err);
			_exit(EXIT_SUCCESS);
		}
	}
	close(gate[0]);
	close(gate[1]);
	for (int i = 0; i < CROWD; i++)
		failed += waitpid(children[i], &status, 0) != children[i] || status != 0;
	free(state);
	free(mirror);
	free(up);
	return failed;
}

static double
middle(int64_t *values, int64_t n)
{
	qsort(values, (size_t)n, sizeof values[0], by_value);
	return (double)values[n / 2];
}

/* The middle of the times that a warm lease and its end take. */
static double
lease_again(struct tree *t, struct error *err)
{
	int64_t took[HISTORY_ROUNDS], begun;
	char saved[256];

	for (int i = 0; i < HISTORY_ROUNDS; i++) {
		begun = clock_mono_us();
		must(tree_prepare(t, "warm", NULL, saved, sizeof saved, err), err);
		must(tree_return(t, saved, sizeof saved, err), err);
		took[i] = clock_mono_us() - begun;
	}
	return middle(took, HISTORY_ROUNDS);
}

/*
 * How much longer a lease takes when the remote has the branches of thousands
 * of jobs, and the mirror the records of their pushes and of saved work.
 */
static double
lease_history(const char *dir)
{
	struct config_repo repo = { .name = (char *)(uintptr_t) "aged",
		.base = (char *)(uintptr_t) "main" };
	char *state = path_join(dir, "aged"), *mirror = path_join(state, "mirrors/aged.git"),
	     *path = path_join(state, "trees/aged/1"), *up = make_upstream(dir, "few", 500);
	char saved[256];
	struct error err = { .code = 0 };
	struct tree t;
	double young, aged;

	repo.url = up;
	must(tree_init(&t, 1, &repo, path, mirror, state, &err), &err);
	must(tree_fetch(&t, &err), &err);
	must(tree_prepare(&t, "new", NULL, saved, sizeof saved, &err), &err);
	must(tree_return(&t, saved, sizeof saved, &err), &err);
	young = lease_again(&t, &err);
	run(up,
	    "c=$(git rev-parse main); for i in $(seq %d); do echo create refs/heads/drover/$i $c; "
	    "done | git update-ref --stdin",
	    HISTORY);
	must(tree_fetch(&t, &err), &err);
	run(mirror,
	    "c=$(git rev-parse refs/remotes/origin/main); for i in $(seq %d); do "
	    "echo create refs/drover/pushed/drover/$i $c; echo create refs/drover/wip/$i-1 $c; "
	    "done | git update-ref --stdin",
	    HISTORY);
	must(mirror_tend(&t, &err), &err);
	aged = lease_again(&t, &err);
	printf("warm lease and its end: %.1f ms, after %d jobs: %.1f ms\n", young / 1000, HISTORY,
	    aged / 1000);
	tree_free(&t);
	free(state);
	free(mirror);
	free(path);
	free(up);
	return aged / young;
}

static void
lease_print(int64_t took[WAYS][ROUNDS_MAX], int64_t files, int64_t rounds)
{
	static const struct row {
		int way, against;
		const char *what, *least, *aim;
	} rows[] = {
		{ WARM, GIT_PLAIN, "warm lease, clean, against git worktree add", "0.3", "0.05" },
		{ WARM_DIRTY, GIT_PLAIN, "warm lease of a dirty tree against git worktree add",
		    "0.3", "0.3" },
		{ COLD, GIT_WORKERS, "cold lease against git -c checkout.workers=N worktree add",
		    "1.2", "1.05" },
	};
	double ms[WAYS];

	for (int i = 0; i < WAYS; i++) {
		ms[i] = middle(took[i], rounds) / 1000;
		printf("%s: %.1f ms\n", names[i], ms[i]);
	}
	printf("(%lld files of %d bytes, median of %lld rounds)\n", (long long)files,
	    BYTES_PER_FILE, (long long)rounds);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		printf("%s|%.3f|%s|%s|\n", rows[i].what, ms[rows[i].way] / ms[rows[i].against],
		    rows[i].least, rows[i].aim);
}

int
main(int argc, char **argv)
{
	int64_t files = 5000, rounds = 5, begun, took[WAYS][ROUNDS_MAX], one[WAYS];
	char *dir, *up, *state, *mirror;
	struct config_repo repo = { .name = (char *)(uintptr_t) "bench",
		.base = (char *)(uintptr_t) "main" };
	struct error err = { .code = 0 };
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if ((argc > 1 && units_parse_int(argv[1], 100, 1000000, &files) != 0) ||
	    (argc > 2 && units_parse_int(argv[2], 1, ROUNDS_MAX, &rounds) != 0)) {
		fprintf(stderr, "usage: bench-lease [FILES [ROUNDS [FOLDER]]]\n");
		return 2;
	}
	dir = path_join(argc > 3 ? argv[3] : "/tmp", "drover-bench-XXXXXX");
	MUST(mkdtemp(dir) != NULL);
	state = path_join(dir, "state");
	mirror = path_join(state, "mirrors/bench.git");
	repo.url = up = make_upstream(dir, "up", files);
	for (int64_t r = 0; r < rounds; r++) {
		struct tree t;
		char *path = xasprintf("%s/trees/bench/%lld", state, (long long)r + 1);

		must(tree_init(&t, (uint64_t)r + 1, &repo, path, mirror, state, &err), &err);
		must(tree_fetch(&t, &err), &err);
		for (int way = 0; way < 2; way++) {
			int which = (int)((r + way) % 2);

			begun = clock_mono_us();
			run(mirror,
			    "git -c checkout.workers=%ld worktree add -q --detach %s/wt%lld-%d "
			    "refs/remotes/origin/main",
			    which == GIT_WORKERS ? cpus : 1L, dir, (long long)r, which);
			one[which] = clock_mono_us() - begun;
		}
		lease_rounds(&t, one, &err);
		for (int i = 0; i < WAYS; i++)
			took[i][r] = one[i];
		tree_free(&t);
		free(path);
	}
	lease_print(took, files, rounds);
	printf("%d leases at once on one repo, failures|%d|0|0|\n", CROWD, lease_crowd(dir));
	printf("warm lease after %d jobs against one after none|%.2f|1.2|1.2|\n", HISTORY,
	    lease_history(dir));
	must(path_remove_tree(dir, &err), &err);
	free(dir);
	free(up);
	free(state);
	free(mirror);
	return EXIT_SUCCESS;
}
