noinst_LTLIBRARIES += libhost.la
libhost_la_SOURCES = core/host/agent.h core/host/exec.h core/host/link.h core/host/scope.h
libhost_la_LIBADD = $(PCRE2_LIBS)
