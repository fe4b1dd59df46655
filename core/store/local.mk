noinst_LTLIBRARIES += libstore.la
libstore_la_SOURCES = core/store/store.h core/store/engine.h core/store/store.c core/store/schema.c core/store/sqlite.c \
  core/store/kv.c core/store/effect.c core/store/memory.c core/store/refusal.c
libstore_la_LIBADD = $(SQLITE_LIBS)
