noinst_LTLIBRARIES += libplugin.la
libplugin_la_SOURCES = core/plugin/loader.h core/plugin/message.h core/plugin/runner.h
