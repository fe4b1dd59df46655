EXTRA_DIST += doc/messages.md

if HAVE_CHECK
# -rpath makes libtool build a shared object although nothing is installed.
fixture_ldflags = -module -avoid-version -shared -rpath /nowhere $(PLUGIN_LDFLAGS)
check_LTLIBRARIES += tests/fixtures/plugins/crashing.la tests/fixtures/plugins/future.la tests/fixtures/plugins/good.la \
  tests/fixtures/plugins/hostile.la tests/fixtures/plugins/needs.la tests/fixtures/plugins/nosymbol.la \
  tests/fixtures/plugins/small.la
tests_fixtures_plugins_crashing_la_SOURCES = tests/fixtures/plugins/crashing.c
tests_fixtures_plugins_crashing_la_LDFLAGS = $(AM_LDFLAGS) $(fixture_ldflags)
tests_fixtures_plugins_future_la_SOURCES = tests/fixtures/plugins/future.c
tests_fixtures_plugins_future_la_LDFLAGS = $(AM_LDFLAGS) $(fixture_ldflags)
tests_fixtures_plugins_good_la_SOURCES = tests/fixtures/plugins/good.c
tests_fixtures_plugins_good_la_LDFLAGS = $(AM_LDFLAGS) $(fixture_ldflags)
tests_fixtures_plugins_hostile_la_SOURCES = tests/fixtures/plugins/hostile.c
tests_fixtures_plugins_hostile_la_LDFLAGS = $(AM_LDFLAGS) $(fixture_ldflags)
tests_fixtures_plugins_needs_la_SOURCES = tests/fixtures/plugins/needs.c
tests_fixtures_plugins_needs_la_LDFLAGS = $(AM_LDFLAGS) $(fixture_ldflags)
tests_fixtures_plugins_nosymbol_la_SOURCES = tests/fixtures/plugins/nosymbol.c
tests_fixtures_plugins_nosymbol_la_LDFLAGS = $(AM_LDFLAGS) $(fixture_ldflags)
tests_fixtures_plugins_small_la_SOURCES = tests/fixtures/plugins/small.c
tests_fixtures_plugins_small_la_LDFLAGS = $(AM_LDFLAGS) $(fixture_ldflags)

check_PROGRAMS += check_plugin
TESTS += check_plugin
check_plugin_SOURCES = tests/unit/test_plugin.c tests/unit/test_plugin.h tests/unit/test_abi.c tests/unit/test_message.c \
  tests/unit/test_loader.c tests/unit/temp.c tests/unit/temp.h
check_plugin_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) -DSOURCE_DIR='"$(abs_top_srcdir)"' \
  -DFIXTURES='"$(abs_top_builddir)/tests/fixtures/plugins/.libs"'
check_plugin_LDADD = $(core_libs) $(CHECK_LIBS)

check_PROGRAMS += check_runner
TESTS += check_runner
check_runner_SOURCES = tests/unit/test_link.c tests/unit/test_runner.c tests/unit/test_runner.h tests/unit/test_forks.c tests/unit/test_worker.c tests/unit/acting_core.c \
  tests/unit/acting_core.h tests/unit/temp.c tests/unit/temp.h
check_runner_CPPFLAGS = $(check_plugin_CPPFLAGS)
check_runner_LDADD = $(core_libs) $(CHECK_LIBS)
endif
