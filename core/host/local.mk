noinst_LTLIBRARIES += libhost.la
libhost_la_SOURCES = core/host/agent.h core/host/exec.h core/host/link.c core/host/link.h core/host/scope.h
libhost_la_SOURCES += core/host/env.h
libhost_la_SOURCES += core/host/env.c
libhost_la_SOURCES += core/host/exec.c
libhost_la_SOURCES += core/host/agent.c
libhost_la_SOURCES += core/host/catalogue.c
libhost_la_SOURCES += core/host/reader.h
libhost_la_SOURCES += core/host/reader.c
libhost_la_SOURCES += core/host/reader_codex.c
libhost_la_SOURCES += core/host/reader_stream_json.c
libhost_la_SOURCES += core/host/reader_opencode.c
libhost_la_SOURCES += core/host/reader_plain.c
libhost_la_SOURCES += core/host/reset.h
libhost_la_SOURCES += core/host/reset.c
libhost_la_SOURCES += core/host/service.h
libhost_la_SOURCES += core/host/service.c
libhost_la_SOURCES += core/host/scope.c
libhost_la_SOURCES += core/host/host.c
libhost_la_SOURCES += core/host/log.c
libhost_la_SOURCES += core/host/option.c
libhost_la_SOURCES += core/host/capacity.c
libhost_la_SOURCES += core/host/queue.c
libhost_la_SOURCES += core/host/lease.c
libhost_la_SOURCES += core/host/git.c
libhost_la_SOURCES += core/host/kv.c
libhost_la_SOURCES += core/host/secret.c
libhost_la_SOURCES += core/host/effect.c
libhost_la_SOURCES += core/host/call.c
libhost_la_SOURCES += core/host/time.c
libhost_la_SOURCES += core/host/change.h
libhost_la_SOURCES += core/host/change.c
libhost_la_SOURCES += core/host/change_steps.c
libhost_la_SOURCES += core/host/change_guard.c
libhost_la_SOURCES += core/host/change_point.c
libhost_la_SOURCES += core/host/change_prompt.c
libhost_la_SOURCES += core/host/verdict.h
libhost_la_SOURCES += core/host/verdict.c
libhost_la_LIBADD = $(PCRE2_LIBS) $(LIBCONFIG_LIBS)
dist_pkgdata_DATA += data/agent-errors.conf

# A drover that runs where it was built finds its data there too.
all-local: data/agent-errors.built
data/agent-errors.built: data/agent-errors.conf
	$(AM_V_at)$(MKDIR_P) data && { test data/agent-errors.conf -ef $(srcdir)/data/agent-errors.conf || cp $(srcdir)/data/agent-errors.conf data/; } && touch $@
CLEANFILES += data/agent-errors.built
distclean-local:
	test data/agent-errors.conf -ef $(srcdir)/data/agent-errors.conf || rm -f data/agent-errors.conf
