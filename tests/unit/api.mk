EXTRA_DIST += doc/api.md
if HAVE_CHECK
check_PROGRAMS += check_api
TESTS += check_api
check_api_SOURCES = tests/unit/test_api.c tests/unit/stub_daemon.c tests/unit/stub_daemon.h tests/unit/temp.c tests/unit/temp.h
check_api_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
check_api_LDADD = $(core_libs) $(LIBEVENT_LIBS) $(CHECK_LIBS)

check_PROGRAMS += check_cli
TESTS += check_cli
check_cli_SOURCES = tests/unit/test_cli.c tests/unit/stub_daemon.c tests/unit/stub_daemon.h tests/unit/temp.c tests/unit/temp.h
check_cli_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
check_cli_LDADD = libcli.la $(core_libs) $(LIBEVENT_LIBS) $(CHECK_LIBS)
endif
