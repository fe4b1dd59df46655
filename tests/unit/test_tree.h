/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of worktrees share. */
#ifndef TEST_TREE_H
#define TEST_TREE_H

#include <check.h>

#include "gitrepo.h"

/* The repository of the running test, made before it and removed after. */
extern struct gitrepo up;

/*
 * Makes a call that must succeed. If it fails, its reason is printed and the
 * test fails.
 */
#define OK(call) \
	do { \
		struct error why_ = { .code = 0 }, *err = &why_; \
		if ((call) < 0) \
			ck_abort_msg("%s: %s", #call, why_.text); \
	} while (0)

/*
 * Makes a call that must fail with this class and with these words in its text.
 */
#define FAILS(call, class, words) \
	do { \
		struct error why_ = { .code = 0 }, *err = &why_; \
		ck_assert_int_lt((call), 0); \
		ck_assert_msg(why_.code == (class) && strstr(why_.text, words) != NULL, "%s, %s", \
		    error_class_name(why_.code), why_.text); \
	} while (0)

void tree_setup(void);
void tree_teardown(void);

#endif
