plugin_LTLIBRARIES += inbox.la
inbox_la_SOURCES = plugins/inbox/inbox.c
inbox_la_CFLAGS = $(plugin_cflags)
inbox_la_CPPFLAGS = $(plugin_cppflags)
inbox_la_LDFLAGS = $(plugin_ldflags)
