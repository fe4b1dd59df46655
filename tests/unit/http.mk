if HAVE_CHECK
check_PROGRAMS += check_limits
TESTS += check_limits
check_limits_SOURCES = tests/unit/test_limits.c
check_limits_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
check_limits_LDADD = libplugin.la libbase.la $(CHECK_LIBS)
endif
