if HAVE_CHECK
check_PROGRAMS += check_lease check_tree
TESTS += check_lease check_tree
check_lease_SOURCES = tests/unit/test_lease.c tests/unit/temp.c tests/unit/temp.h
check_lease_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
check_lease_LDADD = $(core_libs) $(CHECK_LIBS)
check_tree_SOURCES = tests/unit/test_tree.c tests/unit/test_tree_change.c tests/unit/test_tree_race.c \
  tests/unit/test_tree.h tests/unit/gitrepo.c tests/unit/gitrepo.h tests/unit/temp.c tests/unit/temp.h
check_tree_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
check_tree_LDADD = $(core_libs) $(CHECK_LIBS)
endif
