/* SPDX-License-Identifier: Apache-2.0 */
/* The ABI, messages and the loader. */
#include <stdlib.h>

#include "test_plugin.h"

int
main(void)
{
	Suite *suite = suite_create("plugin");
	SRunner *runner;
	int failed;

	suite_add_tcase(suite, abi_tests());
	suite_add_tcase(suite, message_tests());
	suite_add_tcase(suite, loader_tests());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
