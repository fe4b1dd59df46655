noinst_LTLIBRARIES += libsuper.la
libsuper_la_SOURCES = \
  core/super/accept.c \
  core/super/accept.h \
  core/super/adopt.c \
  core/super/calls.c \
  core/super/calls.h \
  core/super/chores.c \
  core/super/chores.h \
  core/super/fleet.c \
  core/super/fleet.h \
  core/super/hooks.c \
  core/super/hooks.h \
  core/super/inside.h \
  core/super/limits.c \
  core/super/limits.h \
  core/super/listeners.c \
  core/super/listeners.h \
  core/super/peer.c \
  core/super/peer.h \
  core/super/peers.c \
  core/super/peers.h \
  core/super/probes.c \
  core/super/probes.h \
  core/super/report.c \
  core/super/report.h \
  core/super/secret_check.c \
  core/super/secret_check.h \
  core/super/services.c \
  core/super/services.h \
  core/super/spread.c \
  core/super/spread.h \
  core/super/slots.c \
  core/super/slots.h \
  core/super/sources.c \
  core/super/sources.h \
  core/super/submit.c \
  core/super/submit.h \
  core/super/supervisor.c \
  core/super/supervisor.h \
  core/super/warnings.c \
  core/super/warnings.h
libsuper_la_LIBADD = $(LIBEVENT_LIBS) $(CJSON_LIBS)
