# SPDX-License-Identifier: Apache-2.0
if HAVE_CHECK
plugin_test_cppflags = -I$(top_srcdir)/include -I$(top_srcdir)/tests/plugins $(DROVER_CPPFLAGS) $(CHECK_CFLAGS) \
  -DPLUGINS_BUILT='"$(abs_builddir)/.libs"'
plugin_test_common = tests/plugins/fake_host.c tests/plugins/fake_host.h

check_PROGRAMS += check_inbox
TESTS += check_inbox
check_inbox_SOURCES = tests/plugins/test_inbox.c tests/plugins/box.c tests/plugins/box.h $(plugin_test_common)
check_inbox_CPPFLAGS = $(plugin_test_cppflags)
check_inbox_LDADD = $(CHECK_LIBS)
EXTRA_check_inbox_DEPENDENCIES = inbox.la
endif
