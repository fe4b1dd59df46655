noinst_LTLIBRARIES += libwire.la
libwire_la_SOURCES = \
  core/wire/channel.c core/wire/channel.h \
  core/wire/fields.h \
  core/wire/known.c core/wire/known.h \
  core/wire/link.c core/wire/link.h \
  core/wire/message.c core/wire/message.h core/wire/message_table.h
libwire_la_LIBADD = $(LIBEVENT_LIBS)
