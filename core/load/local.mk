noinst_LTLIBRARIES += libload.la
libload_la_SOURCES = \
  core/load/describe.c \
  core/load/descriptor.c \
  core/load/loader.c core/load/loader.h \
  core/load/prompt_files.c core/load/prompt_files.h \
  core/load/settings.c core/load/settings.h
libload_la_LIBADD = $(CJSON_LIBS)
