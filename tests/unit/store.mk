if HAVE_CHECK
check_PROGRAMS += check_store
TESTS += check_store
check_store_SOURCES = tests/unit/test_store.c tests/unit/temp.c tests/unit/temp.h
check_store_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
check_store_LDADD = libstore.la libbase.la $(CHECK_LIBS)
endif
