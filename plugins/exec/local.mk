plugin_LTLIBRARIES += exec.la
exec_la_SOURCES = plugins/exec/exec.c plugins/exec/exec.h plugins/exec/request.c $(plugin_common)
exec_la_CFLAGS = $(plugin_cflags)
exec_la_CPPFLAGS = $(plugin_cppflags) $(CJSON_CFLAGS)
exec_la_LDFLAGS = $(plugin_ldflags)
exec_la_LIBADD = $(CJSON_LIBS)
