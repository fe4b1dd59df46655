/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main() of the unit test programs. Besides the variables that Check knows
 * (CK_RUN_SUITE, CK_RUN_CASE, CK_FORK), CK_RUN_TEST selects one test function.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

#define FILES_MAX 32

static struct {
	void (*cases)(Suite *);
	char name[64];
} files[FILES_MAX];
static int files_len;

void __wrap__tcase_add_test(TCase *, const TTest *, int signal, int status, int start, int end);
void __real__tcase_add_test(TCase *, const TTest *, int signal, int status, int start, int end);

/* Every macro of Check that adds a test calls this function of its library. */
void
__wrap__tcase_add_test(TCase *tcase, const TTest *test, int signal, int status, int start, int end)
{
	const char *only = getenv("CK_RUN_TEST");

	if (only == NULL || strcmp(only, test->name) == 0)
		__real__tcase_add_test(tcase, test, signal, status, start, end);
}

void
suite_register(void (*cases)(Suite *), const char *file)
{
	const char *name = strrchr(file, '/');

	name = name == NULL ? file : name + 1;
	if (strncmp(name, "test_", 5) == 0)
		name += 5;
	if (files_len == FILES_MAX)
		abort();
	files[files_len].cases = cases;
	(void)snprintf(files[files_len].name, sizeof files[0].name, "%.*s",
	    (int)strcspn(name, "."), name);
	files_len++;
}

TCase *
suite_case(Suite *suite, const char *name, void (*before)(void), void (*after)(void))
{
	TCase *tcase = tcase_create(name);

	if (before != NULL || after != NULL)
		tcase_add_checked_fixture(tcase, before, after);
	suite_add_tcase(suite, tcase);
	return tcase;
}

int
main(void)
{
	SRunner *runner = srunner_create(NULL);
	int failed;

	/*
	 * This ends a test that hangs. It is so long that a busy machine does
	 * not reach it.
	 */
	(void)setenv("CK_DEFAULT_TIMEOUT", "600", 0);
	for (int i = 0; i < files_len; i++) {
		Suite *suite = suite_create(files[i].name);

		files[i].cases(suite);
		srunner_add_suite(runner, suite);
	}
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
