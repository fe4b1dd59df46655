EXTRA_DIST += doc/changes.md doc/prompts.md

if HAVE_CHECK
check_PROGRAMS += check_host check_change check_fetch check_onto check_prompt check_readonly
TESTS += check_host check_change check_fetch check_onto check_prompt check_readonly
check_host_SOURCES = tests/unit/test_host.c tests/unit/fake_core.c tests/unit/fake_core.h tests/unit/temp.c tests/unit/temp.h
check_host_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
check_host_LDADD = $(core_libs) $(CHECK_LIBS)
check_change_SOURCES = tests/unit/test_change.c tests/unit/change_kit.c tests/unit/change_kit.h tests/unit/probe.c tests/unit/probe.h \
  tests/unit/fake_core.c tests/unit/fake_core.h tests/unit/temp.c tests/unit/temp.h
check_change_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
check_change_LDADD = $(core_libs) $(CHECK_LIBS)
check_onto_SOURCES = tests/unit/test_onto.c tests/unit/change_kit.c tests/unit/change_kit.h tests/unit/probe.c tests/unit/probe.h \
  tests/unit/gitrepo.c tests/unit/gitrepo.h \
  tests/unit/fake_core.c tests/unit/fake_core.h tests/unit/temp.c tests/unit/temp.h
check_onto_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
check_onto_LDADD = $(core_libs) $(CHECK_LIBS)
check_fetch_SOURCES = tests/unit/test_fetch.c tests/unit/change_kit.c tests/unit/change_kit.h tests/unit/probe.c tests/unit/probe.h \
  tests/unit/gitrepo.c tests/unit/gitrepo.h \
  tests/unit/fake_core.c tests/unit/fake_core.h tests/unit/temp.c tests/unit/temp.h
check_fetch_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
check_fetch_LDADD = $(core_libs) $(CHECK_LIBS)
check_readonly_SOURCES = tests/unit/test_readonly.c tests/unit/change_kit.c tests/unit/change_kit.h tests/unit/probe.c tests/unit/probe.h \
  tests/unit/gitrepo.c tests/unit/gitrepo.h \
  tests/unit/fake_core.c tests/unit/fake_core.h tests/unit/temp.c tests/unit/temp.h
check_readonly_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
check_readonly_LDADD = $(core_libs) $(CHECK_LIBS)
check_prompt_SOURCES = tests/unit/test_prompt.c tests/unit/temp.c tests/unit/temp.h
check_prompt_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
check_prompt_LDADD = $(core_libs) $(CHECK_LIBS)
endif
