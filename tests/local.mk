# SPDX-License-Identifier: Apache-2.0
AM_TESTS_ENVIRONMENT = SRC='$(abs_top_srcdir)'; BUILD='$(abs_top_builddir)'; export SRC BUILD; \
  ASAN_OPTIONS=abort_on_error=1:detect_leaks=1; UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1; export ASAN_OPTIONS UBSAN_OPTIONS;
test_folders = -DSOURCE_DIR='"$(abs_top_srcdir)"' -DBUILD_DIR='"$(abs_top_builddir)"'

include tests/unit/local.mk
include tests/fixtures/plugins/local.mk
include tests/plugins/local.mk
include tests/e2e/local.mk
include tests/fakes/local.mk
include tests/contract/local.mk
include tests/package/local.mk
include tests/fuzz/local.mk

# For scripts/test: what the scripts among the tests need, and one command as make check would run it.
test-needs: all $(check_LTLIBRARIES)
run-test:
	@$(AM_TESTS_ENVIRONMENT) srcdir='$(srcdir)'; export srcdir; $(RUN)
.PHONY: test-needs run-test
