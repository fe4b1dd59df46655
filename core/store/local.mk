noinst_LTLIBRARIES += libstore.la
libstore_la_SOURCES = core/store/store.h
libstore_la_LIBADD = $(SQLITE_LIBS)
