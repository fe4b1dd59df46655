# SPDX-License-Identifier: Apache-2.0
if HAVE_CHECK
plugin_test_cppflags = -I$(top_srcdir)/include -I$(top_srcdir)/tests/plugins $(DROVER_CPPFLAGS) $(CHECK_CFLAGS) \
  -DPLUGINS_BUILT='"$(abs_builddir)/.libs"'
plugin_test_common = tests/plugins/fake_host.c tests/plugins/fake_host.h tests/plugins/fake_outside.c tests/plugins/fake_web.c
plugin_test_box = tests/plugins/box.c tests/plugins/box.h

check_PROGRAMS += check_web
TESTS += check_web
check_web_SOURCES = tests/plugins/test_web.c $(plugin_web) $(plugin_common) $(plugin_test_common)
check_web_CPPFLAGS = $(plugin_test_cppflags) -I$(top_srcdir)/plugins $(CJSON_CFLAGS)
check_web_LDADD = $(CJSON_LIBS) $(CHECK_LIBS) -lm

check_PROGRAMS += check_inbox check_inbox_crash check_ticket check_exec
TESTS += check_inbox check_inbox_crash check_ticket check_exec

check_inbox_SOURCES = tests/plugins/test_inbox.c $(plugin_test_box) $(plugin_test_common)
check_inbox_CPPFLAGS = $(plugin_test_cppflags)
check_inbox_LDADD = $(CHECK_LIBS)
EXTRA_check_inbox_DEPENDENCIES = inbox.la

# The plugin's calls of libc must be found in the program first.
check_inbox_crash_SOURCES = tests/plugins/test_inbox_crash.c $(plugin_test_box) $(plugin_test_common)
check_inbox_crash_CPPFLAGS = $(plugin_test_cppflags)
check_inbox_crash_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
check_inbox_crash_LDADD = $(CHECK_LIBS)
EXTRA_check_inbox_crash_DEPENDENCIES = inbox.la

check_ticket_SOURCES = tests/plugins/test_ticket.c $(plugin_test_common)
check_ticket_CPPFLAGS = $(plugin_test_cppflags)
check_ticket_LDADD = $(CHECK_LIBS)
EXTRA_check_ticket_DEPENDENCIES = inbox.la

check_exec_SOURCES = tests/plugins/test_exec.c $(plugin_test_common)
check_exec_CPPFLAGS = $(plugin_test_cppflags)
check_exec_LDADD = $(CHECK_LIBS)
EXTRA_check_exec_DEPENDENCIES = exec.la

# The template as a plugin of this build, so that it is run and not only compiled.
check_LTLIBRARIES += example.la
example_la_SOURCES = plugins/template/plugin.c
example_la_CFLAGS = $(plugin_cflags)
example_la_CPPFLAGS = $(plugin_cppflags)
example_la_LDFLAGS = $(plugin_ldflags) -rpath $(plugindir)

check_PROGRAMS += check_template
TESTS += check_template
check_template_SOURCES = tests/plugins/test_template.c $(plugin_test_common)
check_template_CPPFLAGS = $(plugin_test_cppflags)
check_template_LDADD = $(CHECK_LIBS)
EXTRA_check_template_DEPENDENCIES = example.la
endif

plugin_scripts = tests/plugins/exports.sh tests/plugins/template.sh tests/plugins/manual.sh
TESTS += $(plugin_scripts)
EXTRA_DIST += $(plugin_scripts)
