/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of check_config. */
#ifndef UNIT_TEST_CONFIG_H
#define UNIT_TEST_CONFIG_H

#include <check.h>

TCase *config_authors(void);
TCase *config_files(void);
TCase *config_options(void);

#endif
