if HAVE_CHECK
check_PROGRAMS += check_markdown check_talk check_github_parts check_github_source check_github_work check_github_account
TESTS += check_markdown check_talk check_github_parts check_github_source check_github_work check_github_account
github_test_cppflags = $(plugin_test_cppflags) -I$(top_srcdir)/plugins $(CJSON_CFLAGS) $(CRYPTO_CFLAGS) $(CMARK_CFLAGS)

check_markdown_SOURCES = tests/plugins/test_markdown.c $(plugin_markdown) $(plugin_common)
check_markdown_CPPFLAGS = $(github_test_cppflags)
check_markdown_LDADD = $(CMARK_LIBS) $(CHECK_LIBS)

check_talk_SOURCES = tests/plugins/test_talk.c $(plugin_talk) $(plugin_web) $(plugin_common)
check_talk_CPPFLAGS = $(github_test_cppflags)
check_talk_LDADD = $(CJSON_LIBS) $(CRYPTO_LIBS) $(CMARK_LIBS) $(CHECK_LIBS)

check_github_parts_SOURCES = tests/plugins/test_github_parts.c $(github_sources)
check_github_parts_CPPFLAGS = $(github_test_cppflags)
check_github_parts_LDADD = $(CJSON_LIBS) $(CRYPTO_LIBS) $(CMARK_LIBS) $(CHECK_LIBS)

github_kit = tests/plugins/github_kit.c tests/plugins/github_kit.h $(plugin_test_common)
check_github_source_SOURCES = tests/plugins/test_github_source.c $(github_kit)
check_github_source_CPPFLAGS = $(plugin_test_cppflags)
check_github_source_LDADD = $(CHECK_LIBS)
EXTRA_check_github_source_DEPENDENCIES = github.la

check_github_work_SOURCES = tests/plugins/test_github_work.c $(github_kit)
check_github_work_CPPFLAGS = $(plugin_test_cppflags)
check_github_work_LDADD = $(CHECK_LIBS)
EXTRA_check_github_work_DEPENDENCIES = github.la

check_github_account_SOURCES = tests/plugins/test_github_account.c $(github_kit)
check_github_account_CPPFLAGS = $(plugin_test_cppflags) $(CRYPTO_CFLAGS)
check_github_account_LDADD = $(CRYPTO_LIBS) $(CHECK_LIBS)
EXTRA_check_github_account_DEPENDENCIES = github.la
endif
