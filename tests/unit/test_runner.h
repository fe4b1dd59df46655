/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of check_runner, a file each. */
#ifndef UNIT_TEST_RUNNER_H
#define UNIT_TEST_RUNNER_H

#include <check.h>

TCase *link_tests(void);
TCase *runner_tests(void);
TCase *fork_tests(void);
TCase *worker_tests(void);
TCase *worker_thread_tests(void);

#endif
