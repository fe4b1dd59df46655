if HAVE_CHECK
check_PROGRAMS += check_store check_records
TESTS += check_store check_records
check_store_SOURCES = tests/unit/test_store.c tests/unit/temp.c tests/unit/temp.h
check_store_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
check_store_LDADD = $(core_libs) $(CHECK_LIBS)
check_records_SOURCES = tests/unit/test_records.c tests/unit/temp.c tests/unit/temp.h
check_records_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
check_records_LDADD = $(core_libs) $(CHECK_LIBS)
endif
