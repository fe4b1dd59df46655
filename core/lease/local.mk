noinst_LTLIBRARIES += liblease.la
liblease_la_SOURCES = core/lease/lease.h core/lease/tree.h core/lease/files.h core/lease/keeper.h core/lease/rows.h \
  core/lease/cache.c core/lease/change.c core/lease/chores.c core/lease/fetch.c core/lease/fill.c core/lease/git.c core/lease/gitdir.c \
  core/lease/keeper.c core/lease/lease.c core/lease/lock.c core/lease/mirror.c core/lease/push.c core/lease/remote.c core/lease/trash.c \
  core/lease/tree.c core/lease/tree_change.c core/lease/wip.c
liblease_la_SOURCES += core/lease/frozen.c
liblease_la_LIBADD = $(LIBGIT2_LIBS)
