/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of check_base. */
#ifndef UNIT_TEST_BASE_H
#define UNIT_TEST_BASE_H

#include <check.h>

TCase *base_files(void);
TCase *base_log(void);
TCase *base_proc(void);
TCase *base_spawn(void);
TCase *base_text(void);

#endif
