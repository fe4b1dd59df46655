noinst_LTLIBRARIES += libhost.la
libhost_la_SOURCES = \
  core/host/agent.h core/host/change.h core/host/env.h core/host/exec.h core/host/link.h core/host/prompt.h core/host/reader.h core/host/reset.h \
  core/host/scope.h core/host/service.h core/host/verdict.h \
  core/host/agent.c core/host/call.c core/host/capacity.c core/host/catalogue.c core/host/change.c core/host/change_guard.c \
  core/host/change_point.c core/host/change_prompt.c core/host/change_steps.c core/host/effect.c core/host/env.c \
  core/host/exec.c core/host/fetch.c core/host/git.c core/host/host.c core/host/kv.c core/host/lease.c core/host/link.c core/host/log.c core/host/memory.c \
  core/host/option.c core/host/prompt.c core/host/prompt_clean.c core/host/queue.c core/host/reader.c core/host/reader_codex.c core/host/reader_opencode.c \
  core/host/reader_plain.c core/host/reader_stream_json.c core/host/reset.c core/host/scope.c core/host/secret.c \
  core/host/service.c core/host/time.c core/host/trust.c core/host/verdict.c
libhost_la_SOURCES += core/host/http.c core/host/http.h core/host/http_cache.c core/host/http_core.c core/host/http_curl.c core/host/http_load.c core/host/http_link.c \
  core/host/http_request.c core/host/http_url.c core/host/http_verdict.c core/host/repo.c
libhost_la_SOURCES += core/host/credential.c core/host/readonly.c
libhost_la_LIBADD = $(PCRE2_LIBS) $(LIBCONFIG_LIBS)
dist_pkgdata_DATA += data/agent-errors.conf

# A drover that runs where it was built finds its data there too.
all-local: data/agent-errors.built
data/agent-errors.built: data/agent-errors.conf
	$(AM_V_at)$(MKDIR_P) data && { test data/agent-errors.conf -ef $(srcdir)/data/agent-errors.conf || cp $(srcdir)/data/agent-errors.conf data/; } && touch $@
CLEANFILES += data/agent-errors.built
distclean-local:
	test data/agent-errors.conf -ef $(srcdir)/data/agent-errors.conf || rm -f data/agent-errors.conf
	test data/prompts/local.mk -ef $(srcdir)/data/prompts/local.mk || rm -rf data/prompts
