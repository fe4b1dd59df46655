noinst_LTLIBRARIES += libqueue.la
libqueue_la_SOURCES = core/queue/queue.h core/queue/state.h
