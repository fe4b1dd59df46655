if HAVE_CHECK
agent_test_cppflags = $(AM_CPPFLAGS) $(CHECK_CFLAGS) -DTEST_SRCDIR='"$(abs_top_srcdir)"'
agent_test_ldadd = $(core_libs) $(LIBEVENT_LIBS) $(CHECK_LIBS)
check_PROGRAMS += check_reader check_catalogue check_command check_agent
TESTS += check_reader check_catalogue check_command check_agent
check_reader_SOURCES = tests/unit/test_reader.c
check_reader_CPPFLAGS = $(agent_test_cppflags)
check_reader_LDADD = $(core_libs) $(CHECK_LIBS)
check_catalogue_SOURCES = tests/unit/test_catalogue.c tests/unit/temp.c tests/unit/temp.h
check_catalogue_CPPFLAGS = $(agent_test_cppflags)
check_catalogue_LDADD = $(core_libs) $(CHECK_LIBS)
check_command_SOURCES = tests/unit/test_command.c tests/unit/temp.c tests/unit/temp.h
check_command_CPPFLAGS = $(agent_test_cppflags)
check_command_LDADD = $(agent_test_ldadd)
check_agent_SOURCES = tests/unit/test_agent.c tests/unit/temp.c tests/unit/temp.h
check_agent_CPPFLAGS = $(agent_test_cppflags)
check_agent_LDADD = $(agent_test_ldadd)
endif
EXTRA_DIST += tests/fixtures/agents
