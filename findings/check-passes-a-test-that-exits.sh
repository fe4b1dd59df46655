#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check 0.15.2 (Debian check 0.15.2-2): a test that calls exit(0) before its assertions has passed.
#
# Guess: in its default fork mode check tells a test that ran to its end from one that left early,
# and reports "Early exit", since the tests have their own kind for those that are to exit
# (tcase_add_exit_test).
# Seen: only a status other than 0 is an early exit. After exit(0) or _exit(0), be it in the code
# under test, the rest of the test is not run and the test counts as passed, in the TAP log too.
#
# So code that may end the process with success is run in a process of its own, or the test checks
# from outside that its last line was reached.
set -eu
version=0.15.2-2+b1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get install -y --no-install-recommends "check=$version" gcc libc6-dev pkg-config \
	>install.log 2>&1 ||
	{ cat install.log; exit 1; }

cat >early.c <<'C'
#include <check.h>
#include <stdlib.h>

START_TEST(exits_0)
{
	exit(0);
	ck_abort_msg("not reached");
}
END_TEST

START_TEST(exits_1)
{
	exit(1);
	ck_abort_msg("not reached");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("s");
	TCase *tcase = tcase_create("t");
	SRunner *runner;

	tcase_add_test(tcase, exits_0);
	tcase_add_test(tcase, exits_1);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_set_fork_status(runner, CK_FORK);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	return 0;
}
C
# shellcheck disable=SC2046 # the flags are words
gcc -o early early.c $(pkg-config --cflags --libs check)
./early | sed 's/^\(.*\)ok \([0-9]\) - [^:]*:/\1ok \2 - /' | tee seen
cat >expected <<'TEXT'
ok 1 - t:exits_0: Passed
not ok 2 - t:exits_1: Early exit with return value 1
1..2
TEXT
cmp seen expected && echo "check $version behaves as described"
