noinst_LTLIBRARIES += librun.la
librun_la_SOURCES = \
  core/run/cgroup.c core/run/cgroup.h \
  core/run/clocks.c core/run/clocks.h \
  core/run/crash.c core/run/crash.h \
  core/run/job.c core/run/job.h \
  core/run/keeper.c core/run/keeper.h \
  core/run/operation.c core/run/operation.h \
  core/run/runner.c core/run/runner.h \
  core/run/runner_source.c core/run/runner_source.h \
  core/run/runner_start.c \
  core/run/services.c core/run/services.h \
  core/run/worker.c
librun_la_LIBADD = $(CJSON_LIBS)
