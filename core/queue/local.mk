noinst_LTLIBRARIES += libqueue.la
libqueue_la_SOURCES = \
  core/queue/backoff.c \
  core/queue/backoff.h \
  core/queue/bucket.c \
  core/queue/claim.c \
  core/queue/entry.c \
  core/queue/finish.c \
  core/queue/gate.c \
  core/queue/inside.h \
  core/queue/operate.c \
  core/queue/queue.c \
  core/queue/queue.h \
  core/queue/ready.c \
  core/queue/replace.c \
  core/queue/listing.c \
  core/queue/row.c \
  core/queue/state.c \
  core/queue/state.h \
  core/queue/status.c \
  core/queue/submit.c \
  core/queue/transition.c
