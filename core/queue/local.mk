noinst_LTLIBRARIES += libqueue.la
libqueue_la_SOURCES = core/queue/queue.h core/queue/state.h core/queue/inside.h core/queue/backoff.h core/queue/state.c \
  core/queue/backoff.c core/queue/bucket.c core/queue/entry.c core/queue/ready.c core/queue/row.c core/queue/change.c \
  core/queue/gate.c core/queue/queue.c core/queue/submit.c core/queue/claim.c core/queue/finish.c core/queue/operate.c core/queue/replace.c \
  core/queue/report.c core/queue/status.c
