plugin_LTLIBRARIES += exec.la
exec_la_SOURCES = plugins/exec/exec.c
exec_la_CFLAGS = $(plugin_cflags)
exec_la_CPPFLAGS = $(plugin_cppflags)
exec_la_LDFLAGS = $(plugin_ldflags)
