noinst_LTLIBRARIES += libbase.la
libbase_la_SOURCES = core/base/buf.h core/base/clock.h core/base/error.h core/base/heap.h core/base/json.h core/base/log.h core/base/mem.h core/base/path.h core/base/proc.h core/base/proc_kill.c core/base/text.h core/base/units.h
libbase_la_LIBADD = $(CJSON_LIBS)
