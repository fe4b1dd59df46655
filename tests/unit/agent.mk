if HAVE_CHECK
agent_test_cppflags = $(AM_CPPFLAGS) $(CHECK_CFLAGS) -DTEST_SRCDIR='"$(abs_top_srcdir)"'
check_PROGRAMS += check_reader check_catalogue
TESTS += check_reader check_catalogue
check_reader_SOURCES = tests/unit/test_reader.c
check_reader_CPPFLAGS = $(agent_test_cppflags)
check_reader_LDADD = libhost.la libbase.la $(CHECK_LIBS)
check_catalogue_SOURCES = tests/unit/test_catalogue.c tests/unit/temp.c tests/unit/temp.h
check_catalogue_CPPFLAGS = $(agent_test_cppflags)
check_catalogue_LDADD = libhost.la libbase.la $(CHECK_LIBS)
endif
EXTRA_DIST += tests/fixtures/agents
