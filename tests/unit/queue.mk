if HAVE_CHECK
check_PROGRAMS += check_queue
TESTS += check_queue
check_queue_SOURCES = tests/unit/test_queue.c tests/unit/test_queue_gate.c tests/unit/test_queue_life.c tests/unit/test_queue_random.c \
  tests/unit/test_queue_report.c tests/unit/test_notice.c tests/unit/queue_kit.c tests/unit/queue_kit.h tests/unit/temp.c tests/unit/temp.h
check_queue_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) -DSOURCE_DIR='"$(abs_top_srcdir)"'
check_queue_LDADD = $(core_libs) $(CJSON_LIBS) $(CHECK_LIBS)
EXTRA_DIST += doc/jobs.md
endif
