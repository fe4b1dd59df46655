# SPDX-License-Identifier: Apache-2.0
# Tests of the plugins, as the core loads them or of their parts, against the public header alone;
# and plugins that only tests have.
test_plugins = asker.la bell.la example.la guest.la scribe.la tardy.la
check_LTLIBRARIES += $(test_plugins)
test_plugin_ldflags = $(plugin_ldflags) -rpath $(plugindir)
asker_la_SOURCES = tests/plugins/asker.c
asker_la_CFLAGS = $(plugin_cflags)
asker_la_CPPFLAGS = $(plugin_cppflags) $(CJSON_CFLAGS)
asker_la_LDFLAGS = $(test_plugin_ldflags)
asker_la_LIBADD = $(CJSON_LIBS)
bell_la_SOURCES = tests/plugins/bell.c
bell_la_CFLAGS = $(plugin_cflags)
bell_la_CPPFLAGS = $(plugin_cppflags)
bell_la_LDFLAGS = $(test_plugin_ldflags)
# The template as a plugin of this build, so that it is run and not only compiled.
example_la_SOURCES = plugins/template/plugin.c
example_la_CFLAGS = $(plugin_cflags)
example_la_CPPFLAGS = $(plugin_cppflags)
example_la_LDFLAGS = $(test_plugin_ldflags)
guest_la_SOURCES = tests/plugins/guest.c
guest_la_CFLAGS = $(plugin_cflags)
guest_la_CPPFLAGS = $(plugin_cppflags)
guest_la_LDFLAGS = $(test_plugin_ldflags)
scribe_la_SOURCES = tests/plugins/scribe.c
scribe_la_CFLAGS = $(plugin_cflags)
scribe_la_CPPFLAGS = $(plugin_cppflags)
scribe_la_LDFLAGS = $(test_plugin_ldflags)
tardy_la_SOURCES = tests/plugins/tardy.c
tardy_la_CFLAGS = $(plugin_cflags)
tardy_la_CPPFLAGS = $(plugin_cppflags)
tardy_la_LDFLAGS = $(test_plugin_ldflags)

if HAVE_CHECK
plugin_programs = check_slack check_inbox_crash check_github check_jira check_exec check_inbox check_jira_text \
  check_github_parts check_slack_parts check_web check_talk check_template
check_PROGRAMS += $(plugin_programs) adf_corpus
TESTS += $(plugin_programs)
plugin_test_cppflags = -I$(top_srcdir)/include -I$(top_srcdir)/tests/plugins -I$(top_srcdir)/tests/unit \
  -I$(top_srcdir)/plugins $(DROVER_CPPFLAGS) $(CHECK_CFLAGS) $(CJSON_CFLAGS) $(CRYPTO_CFLAGS) $(CMARK_CFLAGS) \
  $(LIBWEBSOCKETS_CFLAGS) $(test_folders)
plugin_test_libs = libplugintestkit.la libtestkit.la $(CJSON_LIBS) $(CRYPTO_LIBS) $(CMARK_LIBS) $(CHECK_LIBS) -lm

check_LTLIBRARIES += libplugintestkit.la
libplugintestkit_la_SOURCES = tests/plugins/box.c tests/plugins/box.h tests/plugins/fake_host.c tests/plugins/fake_host.h \
  tests/plugins/fake_outside.c tests/plugins/fake_web.c
libplugintestkit_la_CPPFLAGS = $(plugin_test_cppflags)

check_exec_SOURCES = tests/plugins/test_exec.c
check_exec_CPPFLAGS = $(plugin_test_cppflags)
check_exec_LDADD = $(plugin_test_libs)
EXTRA_check_exec_DEPENDENCIES = exec.la

check_github_SOURCES = tests/plugins/test_github_account.c tests/plugins/test_github_source.c tests/plugins/test_github_work.c \
  tests/plugins/github_kit.c tests/plugins/github_kit.h
check_github_CPPFLAGS = $(plugin_test_cppflags)
check_github_LDADD = $(plugin_test_libs)
EXTRA_check_github_DEPENDENCIES = github.la

check_github_parts_SOURCES = tests/plugins/test_github_parts.c $(github_sources)
check_github_parts_CPPFLAGS = $(plugin_test_cppflags)
check_github_parts_LDADD = $(plugin_test_libs)

check_inbox_SOURCES = tests/plugins/test_inbox.c tests/plugins/test_ticket.c
check_inbox_CPPFLAGS = $(plugin_test_cppflags)
check_inbox_LDADD = $(plugin_test_libs)
EXTRA_check_inbox_DEPENDENCIES = inbox.la

# The plugin's calls of libc must be found in the program first.
check_inbox_crash_SOURCES = tests/plugins/test_inbox_crash.c
check_inbox_crash_CPPFLAGS = $(plugin_test_cppflags)
check_inbox_crash_LDFLAGS = $(AM_LDFLAGS) -export-dynamic
check_inbox_crash_LDADD = $(plugin_test_libs)
EXTRA_check_inbox_crash_DEPENDENCIES = inbox.la

check_jira_SOURCES = tests/plugins/test_jira.c tests/plugins/test_jira_fix.c tests/plugins/jira_kit.c tests/plugins/jira_kit.h
check_jira_CPPFLAGS = $(plugin_test_cppflags)
check_jira_LDADD = $(plugin_test_libs)
EXTRA_check_jira_DEPENDENCIES = jira.la

check_jira_text_SOURCES = tests/plugins/test_jira_text.c $(jira_la_SOURCES)
check_jira_text_CPPFLAGS = -D_GNU_SOURCE $(plugin_test_cppflags)
check_jira_text_LDADD = $(plugin_test_libs)

check_slack_SOURCES = tests/plugins/test_slack.c tests/plugins/test_slack_mention.c tests/plugins/slack_kit.c \
  tests/plugins/slack_kit.h $(plugin_talk) $(plugin_web) $(plugin_common)
if LIBWEBSOCKETS
check_slack_SOURCES += tests/plugins/test_slack_socket.c
endif
check_slack_CPPFLAGS = -D_GNU_SOURCE $(plugin_test_cppflags) -I$(top_srcdir)/plugins/slack
check_slack_LDADD = $(plugin_test_libs) -lssl
EXTRA_check_slack_DEPENDENCIES = slack.la

check_slack_parts_SOURCES = tests/plugins/test_slack_parts.c $(slack_la_SOURCES)
check_slack_parts_CPPFLAGS = -D_GNU_SOURCE $(plugin_test_cppflags) -I$(top_srcdir)/plugins/slack
check_slack_parts_LDADD = $(plugin_test_libs) $(LIBWEBSOCKETS_LIBS)

check_talk_SOURCES = tests/plugins/test_markdown.c tests/plugins/test_talk.c $(plugin_talk) $(plugin_web) $(plugin_common)
check_talk_CPPFLAGS = $(plugin_test_cppflags)
check_talk_LDADD = $(plugin_test_libs)

check_template_SOURCES = tests/plugins/test_template.c
check_template_CPPFLAGS = $(plugin_test_cppflags)
check_template_LDADD = $(plugin_test_libs)
EXTRA_check_template_DEPENDENCIES = example.la

check_web_SOURCES = tests/plugins/test_web.c $(plugin_web) $(plugin_common)
check_web_CPPFLAGS = $(plugin_test_cppflags)
check_web_LDADD = $(plugin_test_libs)

adf_corpus_SOURCES = tests/plugins/adf_corpus.c $(jira_texts) $(plugin_markdown) $(plugin_common) $(plugin_web)
adf_corpus_CPPFLAGS = $(plugin_test_cppflags)
adf_corpus_LDADD = $(CJSON_LIBS) $(CMARK_LIBS)
endif

plugin_scripts = tests/plugins/adf_schema.sh tests/plugins/exports.sh tests/plugins/template.sh tests/plugins/manual.sh
TESTS += $(plugin_scripts)
EXTRA_DIST += $(plugin_scripts)
