plugin_LTLIBRARIES += github.la
github_sources = plugins/github/github.c plugins/github/github.h plugins/github/account.c plugins/github/ask.c \
  plugins/github/hook.c plugins/github/judge.c plugins/github/jwt.c plugins/github/operations.c plugins/github/person.c \
  plugins/github/pipeline_command.c plugins/github/pipeline_pull.c plugins/github/poll.c plugins/github/post.c \
  plugins/github/probe.c plugins/github/pull.c plugins/github/slug.c plugins/github/source_command.c \
  plugins/github/source_pull.c plugins/github/tame.c plugins/github/thread.c \
  plugins/github/track.c plugins/github/watch.c plugins/github/work.c \
  $(plugin_talk) $(plugin_web) $(plugin_common)
github_la_SOURCES = $(github_sources)
github_la_CFLAGS = $(plugin_cflags)
github_la_CPPFLAGS = $(plugin_cppflags) $(CJSON_CFLAGS) $(CRYPTO_CFLAGS) $(CMARK_CFLAGS)
github_la_LDFLAGS = $(plugin_ldflags)
github_la_LIBADD = $(CJSON_LIBS) $(CRYPTO_LIBS) $(CMARK_LIBS)
EXTRA_DIST += doc/github.md
