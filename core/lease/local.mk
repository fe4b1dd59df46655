noinst_LTLIBRARIES += liblease.la
liblease_la_SOURCES = \
  core/lease/attributes.c \
  core/lease/cache.c \
  core/lease/commit.c \
  core/lease/compare.c \
  core/lease/fetch.c \
  core/lease/files.h \
  core/lease/fill.c \
  core/lease/filters.c \
  core/lease/filters.h \
  core/lease/frozen.c \
  core/lease/git.c \
  core/lease/gitdir.c \
  core/lease/history.c \
  core/lease/inner.c \
  core/lease/lease.c \
  core/lease/lease.h \
  core/lease/libgit2.c \
  core/lease/libgit2.h \
  core/lease/lock.c \
  core/lease/mirror.c \
  core/lease/push.c \
  core/lease/refs.c \
  core/lease/remote.c \
  core/lease/rows.h \
  core/lease/takeup.c \
  core/lease/trash.c \
  core/lease/tree.c \
  core/lease/tree.h \
  core/lease/squash.c \
  core/lease/tend.c \
  core/lease/unfiltered.c \
  core/lease/upkeep.c \
  core/lease/wip.c
