/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a program of several files of tests. Each file declares its cases with
 * SUITE; main() runs them all, each test in a process of its own. A suite is
 * named after its file without "test_".
 */
#ifndef UNIT_SUITE_H
#define UNIT_SUITE_H

#include <check.h>

/* cases() is called once, with the suite of this file, before any test runs. */
#define SUITE(cases) \
	__attribute__((constructor)) static void suite_of_this_file(void) \
	{ \
		suite_register(cases, __FILE__); \
	}

void suite_register(void (*cases)(Suite *), const char *file);

/*
 * Adds a case to the suite. before and after run around each of its tests, in
 * the test's process; either may be NULL.
 */
TCase *suite_case(Suite *, const char *name, void (*before)(void), void (*after)(void));

#endif
