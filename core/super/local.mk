noinst_LTLIBRARIES += libsuper.la
libsuper_la_SOURCES = \
  core/super/accept.c core/super/accept.h \
  core/super/adopt.c \
  core/super/calls.c \
  core/super/chores.c \
  core/super/fleet.c \
  core/super/hooks.c \
  core/super/limits.c core/super/limits.h \
  core/super/listeners.c \
  core/super/peers.c \
  core/super/probes.c \
  core/super/report.c \
  core/super/secret_check.c \
  core/super/services.c \
  core/super/slots.c \
  core/super/sources.c \
  core/super/supervisor.c core/super/supervisor.h \
  core/super/warnings.c
libsuper_la_LIBADD = $(LIBEVENT_LIBS) $(CJSON_LIBS)
