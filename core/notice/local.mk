noinst_LTLIBRARIES += libnotice.la
libnotice_la_SOURCES = core/notice/notice.c core/notice/notice.h core/notice/outbox.c core/notice/outbox.h
