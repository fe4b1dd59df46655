noinst_LTLIBRARIES += libapi.la
libapi_la_SOURCES = 
libapi_la_LIBADD = $(LIBEVENT_LIBS)
