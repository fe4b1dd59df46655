/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sandbox costs a command: /bin/true as a job's command, with it and
 * without it in turns. Prints rows for run.sh, the time added in ms at p50.
 *
 * usage: bench-sandbox [ROUNDS [FOLDER]]
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bwrap.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/units.h"
#include "host/exec.h"
#include "host/scope.h"
#include "run/services.h"

#define ROUNDS_MAX 1000

enum way { BARE, BOXED, ALONE, WAYS };

static int compare(const void *, const void *);
static double took(struct scope *, enum way);

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The ms that one command takes. */
static double
took(struct scope *s, enum way way)
{
	const char *const argv[] = { "/bin/true", NULL };
	struct drover_command command = { .size = sizeof command, .argv = argv, .cwd = "/" };
	struct sandbox sandbox = { .mode = way == BARE ? SANDBOX_OFF : SANDBOX_REQUIRED,
		.network = way == ALONE ? NETWORK_NONE : NETWORK_ALL };
	struct drover_outcome outcome;
	struct error err = { .code = 0 };
	int64_t begun = clock_mono_us();

	if (exec_run_split(s, &command, &sandbox, &outcome, NULL, &err) != 0 ||
	    outcome.status != 0) {
		fprintf(stderr, "bench-sandbox: %s\n", err.text);
		exit(EXIT_FAILURE);
	}
	return (double)(clock_mono_us() - begun) / 1000;
}

int
main(int argc, char **argv)
{
	static double ms[WAYS][ROUNDS_MAX];
	struct drover_job job = { .size = sizeof job, .id = 1, .attempt = 1, .repo = "" };
	struct config config = { .output_max = 1 << 20 };
	struct scope scope;
	struct error err = { .code = 0 };
	int64_t rounds = 100;
	char *dir;

	if (argc > 1 && units_parse_int(argv[1], 1, ROUNDS_MAX, &rounds) != 0) {
		fprintf(stderr, "usage: bench-sandbox [ROUNDS [FOLDER]]\n");
		return 2;
	}
	if (bwrap_fault() != NULL) {
		printf("%s\n", bwrap_fault());
		return EXIT_SUCCESS;
	}
	dir = path_join(argc > 2 ? argv[2] : "/tmp", "drover-bench-XXXXXX");
	MUST(mkdtemp(dir) != NULL);
	config.state_dir = dir;
	scope_init(&scope, SCOPE_JOB, &plugin_services);
	scope.config = &config;
	scope.job = &job;
	scope.output = -1;
	for (int64_t r = 0; r < rounds; r++)
		for (int way = 0; way < WAYS; way++)
			ms[way][r] = took(&scope, (enum way)way);
	scope_end(&scope);
	for (int way = 0; way < WAYS; way++)
		qsort(ms[way], (size_t)rounds, sizeof *ms[way], compare);
	printf("(a command without the sandbox: %.1f ms, in it: %.1f ms)\n", ms[BARE][rounds / 2],
	    ms[BOXED][rounds / 2]);
	printf("the sandbox adds to a command, ms|%.1f|15|8|\n",
	    ms[BOXED][rounds / 2] - ms[BARE][rounds / 2]);
	printf("the sandbox without a network adds, ms|%.1f|30|15|\n",
	    ms[ALONE][rounds / 2] - ms[BARE][rounds / 2]);
	(void)path_remove_tree(dir, &err);
	free(dir);
	return EXIT_SUCCESS;
}
