bin_PROGRAMS += drover
drover_SOURCES = core/cli/main.c
drover_LDADD = libconfigure.la libbase.la $(LIBCONFIG_LIBS) $(CJSON_LIBS) $(LIBEVENT_LIBS)
