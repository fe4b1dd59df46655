noinst_LTLIBRARIES += libconfigure.la
libconfigure_la_SOURCES = core/config/config.h core/config/options.h
libconfigure_la_LIBADD = $(LIBCONFIG_LIBS) $(CJSON_LIBS)
