noinst_LTLIBRARIES += libbase.la
libbase_la_SOURCES = \
  core/base/buf.c core/base/buf.h \
  core/base/bwrap.c core/base/bwrap.h \
  core/base/clock.c core/base/clock.h \
  core/base/digest.c core/base/digest.h \
  core/base/error.c core/base/error.h \
  core/base/heap.c core/base/heap.h \
  core/base/json.c core/base/json.h \
  core/base/leaf.c core/base/leaf.h \
  core/base/library.c core/base/library.h \
  core/base/log.c core/base/log.h \
  core/base/mask.c core/base/mask.h \
  core/base/mem.c core/base/mem.h \
  core/base/path.c core/base/path.h \
  core/base/proc.c core/base/proc_kill.c core/base/proc.h \
  core/base/retry.c core/base/retry.h \
  core/base/secrets.c core/base/secrets.h \
  core/base/spawn.c core/base/spawn.h \
  core/base/spelling.c core/base/spelling.h \
  core/base/text.c core/base/text.h \
  core/base/units.c core/base/units.h \
  core/base/url.c core/base/url.h
libbase_la_LIBADD = $(CJSON_LIBS) $(CRYPTO_LIBS) -lm
