if HAVE_CHECK
check_PROGRAMS += check_talk
TESTS += check_talk
check_talk_SOURCES = tests/plugins/test_talk.c plugins/common/talk.c plugins/common/talk.h plugins/common/web.h \
  plugins/common/text.c plugins/common/text.h
check_talk_CPPFLAGS = $(plugin_test_cppflags) -I$(top_srcdir)/plugins $(CJSON_CFLAGS) $(CRYPTO_CFLAGS)
check_talk_LDADD = $(CRYPTO_LIBS) $(CHECK_LIBS)
endif
