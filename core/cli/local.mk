noinst_LTLIBRARIES += libcli.la
libcli_la_SOURCES = \
  core/cli/cli.h \
  core/cli/client.c \
  core/cli/commands.c \
  core/cli/follow.c \
  core/cli/jobs.c \
  core/cli/lists.c \
  core/cli/local.c \
  core/cli/control.c \
  core/cli/parse.c \
  core/cli/plugin.c \
  core/cli/programs.c \
  core/cli/prompts.c \
  core/cli/rows.c \
  core/cli/run.c \
  core/cli/run.h \
  core/cli/run_config.c \
  core/cli/run_daemon.c \
  core/cli/run_presets.c \
  core/cli/run_show.c \
  core/cli/run_watch.c \
  core/cli/table.c \
  core/cli/talk.c \
  core/cli/people.c
libcli_la_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS)
libcli_la_LIBADD = $(CURL_LIBS) $(CJSON_LIBS)

bin_PROGRAMS += drover
drover_SOURCES = core/cli/main.c
drover_LDADD = libcli.la libconfigure.la libbase.la
