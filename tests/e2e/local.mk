# SPDX-License-Identifier: Apache-2.0
# The longest first: what runs side by side ends at about the same time.
e2e_tests = tests/e2e/vendors_crash.sh tests/e2e/vendors.sh tests/e2e/vendors_bad.sh tests/e2e/slack.sh
e2e_tests += tests/e2e/newcomer.sh tests/e2e/operator.sh tests/e2e/remote.sh tests/e2e/crash.sh tests/e2e/agents.sh tests/e2e/refuse.sh tests/e2e/hostile.sh tests/e2e/plugins.sh tests/e2e/disk.sh tests/e2e/inprocess.sh tests/e2e/slots.sh
e2e_tests += tests/e2e/deeds.sh tests/e2e/tickets.sh tests/e2e/api.sh tests/e2e/mortal.sh tests/e2e/trust.sh tests/e2e/strangers.sh
e2e_tests += tests/e2e/prompts.sh tests/e2e/onto.sh
e2e_tests += tests/e2e/jira.sh
e2e_tests += tests/e2e/github.sh tests/e2e/gittoken.sh
e2e_tests += tests/e2e/http.sh
e2e_tests += tests/e2e/intake.sh tests/e2e/notify.sh
e2e_tests += tests/e2e/demo_vendors.sh
TESTS += $(e2e_tests)
EXTRA_DIST += $(e2e_tests) tests/e2e/lib.sh tests/e2e/bed.sh
AM_TESTS_ENVIRONMENT = SRC='$(abs_top_srcdir)'; BUILD='$(abs_top_builddir)'; export SRC BUILD; \
  : $${CK_DEFAULT_TIMEOUT:=60} $${CK_TIMEOUT_MULTIPLIER:=10}; export CK_DEFAULT_TIMEOUT CK_TIMEOUT_MULTIPLIER; \
  ASAN_OPTIONS=abort_on_error=1:detect_leaks=1; UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1; export ASAN_OPTIONS UBSAN_OPTIONS;

# Plugins that only these tests have.
check_LTLIBRARIES += tardy.la guest.la asker.la
asker_la_SOURCES = tests/plugins/asker.c
asker_la_CFLAGS = $(plugin_cflags)
asker_la_CPPFLAGS = $(plugin_cppflags) $(CJSON_CFLAGS)
asker_la_LDFLAGS = $(plugin_ldflags) -rpath $(plugindir)
asker_la_LIBADD = $(CJSON_LIBS)
guest_la_SOURCES = tests/plugins/guest.c
guest_la_CFLAGS = $(plugin_cflags)
guest_la_CPPFLAGS = $(plugin_cppflags)
guest_la_LDFLAGS = $(plugin_ldflags) -rpath $(plugindir)
tardy_la_SOURCES = tests/plugins/tardy.c
tardy_la_CFLAGS = $(plugin_cflags)
tardy_la_CPPFLAGS = $(plugin_cppflags)
tardy_la_LDFLAGS = $(plugin_ldflags) -rpath $(plugindir)
check_LTLIBRARIES += scribe.la
scribe_la_SOURCES = tests/plugins/scribe.c
scribe_la_CFLAGS = $(plugin_cflags)
scribe_la_CPPFLAGS = $(plugin_cppflags)
scribe_la_LDFLAGS = $(plugin_ldflags) -rpath $(plugindir)

# A plugin with a hook, a listener, a probe and somebody to be told.
check_LTLIBRARIES += bell.la
bell_la_SOURCES = tests/plugins/bell.c
bell_la_CFLAGS = $(plugin_cflags)
bell_la_CPPFLAGS = $(plugin_cppflags)
bell_la_LDFLAGS = $(plugin_ldflags) -rpath $(plugindir)
