plugin_LTLIBRARIES += inbox.la
inbox_la_SOURCES = plugins/inbox/inbox.c plugins/inbox/inbox.h plugins/inbox/source.c plugins/inbox/ticket.c \
  plugins/inbox/key.c plugins/inbox/folder.c plugins/inbox/report.c $(plugin_markdown) $(plugin_common)
inbox_la_CFLAGS = $(plugin_cflags)
inbox_la_CPPFLAGS = $(plugin_cppflags) $(CJSON_CFLAGS) $(CMARK_CFLAGS)
inbox_la_LDFLAGS = $(plugin_ldflags)
inbox_la_LIBADD = $(CJSON_LIBS) $(CMARK_LIBS)
