# SPDX-License-Identifier: Apache-2.0
if HAVE_CHECK
jira_kit = tests/plugins/jira_kit.c tests/plugins/jira_kit.h
jira_test_cppflags = $(plugin_test_cppflags) -I$(top_srcdir)/plugins $(CJSON_CFLAGS) $(CRYPTO_CFLAGS) $(CMARK_CFLAGS)
check_PROGRAMS += check_jira check_jira_fix check_jira_text adf_corpus
TESTS += check_jira check_jira_fix check_jira_text
check_jira_SOURCES = tests/plugins/test_jira.c $(jira_kit) $(plugin_test_common)
check_jira_CPPFLAGS = $(jira_test_cppflags)
check_jira_LDADD = $(CRYPTO_LIBS) $(CHECK_LIBS)
EXTRA_check_jira_DEPENDENCIES = jira.la
check_jira_fix_SOURCES = tests/plugins/test_jira_fix.c $(jira_kit) $(plugin_test_common)
check_jira_fix_CPPFLAGS = $(jira_test_cppflags)
check_jira_fix_LDADD = $(CHECK_LIBS)
EXTRA_check_jira_fix_DEPENDENCIES = jira.la
check_jira_text_SOURCES = tests/plugins/test_jira_text.c $(jira_la_SOURCES) $(plugin_test_common)
check_jira_text_CPPFLAGS = $(jira_test_cppflags) -D_GNU_SOURCE -DTEST_SRCDIR='"$(abs_top_srcdir)"'
check_jira_text_LDADD = $(CJSON_LIBS) $(CRYPTO_LIBS) $(CMARK_LIBS) $(CHECK_LIBS)
adf_corpus_SOURCES = tests/plugins/adf_corpus.c $(jira_texts) $(plugin_markdown) $(plugin_common) $(plugin_web)
adf_corpus_CPPFLAGS = $(jira_test_cppflags)
adf_corpus_LDADD = $(CJSON_LIBS) $(CMARK_LIBS)
endif
TESTS += tests/plugins/adf_schema.sh
EXTRA_DIST += tests/plugins/adf_schema.sh
