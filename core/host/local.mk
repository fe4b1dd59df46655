noinst_LTLIBRARIES += libhost.la
libhost_la_SOURCES = \
  core/host/agent/agent.c \
  core/host/agent/agent.h \
  core/host/agent/catalogue.c \
  core/host/agent/reader.c \
  core/host/agent/reader.h \
  core/host/agent/reader_codex.c \
  core/host/agent/reader_opencode.c \
  core/host/agent/reader_plain.c \
  core/host/agent/reader_stream_json.c \
  core/host/agent/reset.c \
  core/host/agent/reset.h \
  core/host/agent/verdict.c \
  core/host/agent/verdict.h \
  core/host/call.c \
  core/host/capacity.c \
  core/host/change/change.c \
  core/host/change/change.h \
  core/host/change/change_checks.c \
  core/host/change/change_contents.c \
  core/host/change/change_deleted.c \
  core/host/change/change_guard.c \
  core/host/change/change_left.c \
  core/host/change/change_point.c \
  core/host/change/change_prompt.c \
  core/host/change/change_steps.c \
  core/host/agent/readonly.c \
  core/host/credential.c \
  core/host/effect.c \
  core/host/env.c \
  core/host/env.h \
  core/host/exec.c \
  core/host/exec.h \
  core/host/fetch.c \
  core/host/git.c \
  core/host/http/http.c \
  core/host/http/http.h \
  core/host/http/http_cache.c \
  core/host/http/http_core.c \
  core/host/http/http_curl.c \
  core/host/http/http_link.c \
  core/host/http/http_load.c \
  core/host/http/http_request.c \
  core/host/http/http_url.c \
  core/host/http/http_verdict.c \
  core/host/kv.c \
  core/host/lease.c \
  core/host/log.c \
  core/host/memory.c \
  core/host/option.c \
  core/host/prompt.c \
  core/host/prompt.h \
  core/host/prompt_clean.c \
  core/host/queue.c \
  core/host/repo.c \
  core/host/sandbox.c \
  core/host/sandbox.h \
  core/host/scope.c \
  core/host/scope.h \
  core/host/secret.c \
  core/host/service.c \
  core/host/service.h \
  core/host/time.c \
  core/host/trust.c
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
