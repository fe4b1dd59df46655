if HAVE_CHECK
check_PROGRAMS += check_tree
TESTS += check_tree
check_tree_SOURCES = tests/unit/test_tree.c tests/unit/test_tree_change.c tests/unit/test_tree_race.c \
  tests/unit/test_tree.h tests/unit/gitrepo.c tests/unit/gitrepo.h tests/unit/temp.c tests/unit/temp.h
check_tree_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
check_tree_LDADD = liblease.la libplugin.la libconfigure.la libbase.la $(CHECK_LIBS)
endif
