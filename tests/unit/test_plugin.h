/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of check_plugin, a file each. */
#ifndef UNIT_TEST_PLUGIN_H
#define UNIT_TEST_PLUGIN_H

#include <check.h>

TCase *abi_tests(void);
TCase *message_tests(void);
TCase *loader_tests(void);

#endif
