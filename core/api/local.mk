noinst_LTLIBRARIES += libapi.la
libapi_la_SOURCES = \
  core/api/api.h \
  core/api/connections.c \
  core/api/connections.h \
  core/api/control.c \
  core/api/events.c \
  core/api/intake.c \
  core/api/inventory.c \
  core/api/jobs.c \
  core/api/metrics.c \
  core/api/output.c \
  core/api/caller.c \
  core/api/reply.c \
  core/api/routes.c \
  core/api/server.c \
  core/api/server.h \
  core/api/stream.c \
  core/api/symphony.c \
  core/api/people.c
libapi_la_LIBADD = $(LIBEVENT_LIBS)
