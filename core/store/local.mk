noinst_LTLIBRARIES +=
libstore_la_SOURCES = core/store/store.h
libstore_la_LIBADD = $(SQLITE_LIBS)
