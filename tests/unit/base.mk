if HAVE_CHECK
check_PROGRAMS += check_base
TESTS += check_base
check_base_SOURCES = tests/unit/test_base.c tests/unit/test_base_files.c tests/unit/test_base_log.c tests/unit/test_base_proc.c \
  tests/unit/test_base_spawn.c tests/unit/test_base_text.c tests/unit/test_base.h tests/unit/temp.c tests/unit/temp.h
check_base_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
check_base_LDADD = $(core_libs) $(CHECK_LIBS)
endif
