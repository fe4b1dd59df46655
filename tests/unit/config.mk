EXTRA_DIST += doc/trust.md
if HAVE_CHECK
check_PROGRAMS += check_config
TESTS += check_config
check_config_SOURCES = tests/unit/test_config.c tests/unit/test_authors.c tests/unit/test_config_files.c tests/unit/test_options.c tests/unit/test_config.h \
  tests/unit/temp.c tests/unit/temp.h
check_config_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
check_config_LDADD = $(core_libs) $(CHECK_LIBS)
endif
