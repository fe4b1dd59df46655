if HAVE_CHECK
check_PROGRAMS += check_limits
TESTS += check_limits
check_limits_SOURCES = tests/unit/test_limits.c
check_limits_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
check_limits_LDADD = $(core_libs) $(CHECK_LIBS)

check_PROGRAMS += check_http
TESTS += check_http
check_http_SOURCES = tests/unit/test_http.c tests/unit/test_http.h tests/unit/test_http_cache.c tests/unit/web_server.c tests/unit/web_server.h \
  tests/unit/temp.c tests/unit/temp.h
check_http_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
check_http_LDADD = $(core_libs) $(CHECK_LIBS)
endif
