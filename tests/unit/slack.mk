# SPDX-License-Identifier: Apache-2.0
if HAVE_CHECK
slack_test_cppflags = $(plugin_test_cppflags) -D_GNU_SOURCE -I$(top_srcdir)/plugins -I$(top_srcdir)/plugins/slack $(CJSON_CFLAGS) \
  $(CRYPTO_CFLAGS) $(CMARK_CFLAGS) $(LIBWEBSOCKETS_CFLAGS)

# The plugin's parts, for tests that look inside.
check_LTLIBRARIES += libslackparts.la
libslackparts_la_SOURCES = $(slack_la_SOURCES)
libslackparts_la_CPPFLAGS = $(slack_la_CPPFLAGS)
libslackparts_la_LIBADD = $(slack_la_LIBADD)

check_PROGRAMS += check_slack_parts check_slack check_slack_mention
TESTS += check_slack_parts check_slack check_slack_mention
check_slack_parts_SOURCES = tests/plugins/test_slack_parts.c $(plugin_test_common)
check_slack_parts_CPPFLAGS = $(slack_test_cppflags)
check_slack_parts_LDADD = libslackparts.la $(CJSON_LIBS) $(CHECK_LIBS) -lm

check_slack_SOURCES = tests/plugins/test_slack.c tests/plugins/slack_kit.c tests/plugins/slack_kit.h $(plugin_test_common)
check_slack_CPPFLAGS = $(slack_test_cppflags)
check_slack_LDADD = $(CHECK_LIBS)
EXTRA_check_slack_DEPENDENCIES = slack.la

check_slack_mention_SOURCES = tests/plugins/test_slack_mention.c tests/plugins/slack_kit.c tests/plugins/slack_kit.h $(plugin_talk) $(plugin_web) \
  $(plugin_common) $(plugin_test_common)
check_slack_mention_CPPFLAGS = $(slack_test_cppflags)
check_slack_mention_LDADD = $(CJSON_LIBS) $(CRYPTO_LIBS) $(CMARK_LIBS) $(CHECK_LIBS) -lm
EXTRA_check_slack_mention_DEPENDENCIES = slack.la

if LIBWEBSOCKETS
check_PROGRAMS += check_slack_socket
TESTS += check_slack_socket
check_slack_socket_SOURCES = tests/plugins/test_slack_socket.c tests/plugins/slack_kit.c tests/plugins/slack_kit.h $(plugin_test_common)
check_slack_socket_CPPFLAGS = $(slack_test_cppflags)
check_slack_socket_LDADD = -lssl $(CRYPTO_LIBS) $(CHECK_LIBS)
EXTRA_check_slack_socket_DEPENDENCIES = slack.la
endif
endif
