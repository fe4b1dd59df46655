# SPDX-License-Identifier: Apache-2.0
# A folder of core/ is a library; core_libs lists them so that each uses only those to its right.
core_libs = libapi.la libsuper.la librun.la libload.la libhost.la libwire.la libcore.la libnotice.la liblease.la libqueue.la libstore.la \
  libconfigure.la libbase.la
include core/base/local.mk
include core/config/local.mk
include core/store/local.mk
include core/queue/local.mk
include core/notice/local.mk
include core/lease/local.mk
include core/wire/local.mk
include core/load/local.mk
include core/host/local.mk
include core/run/local.mk
include core/super/local.mk
include core/api/local.mk
include core/cli/local.mk

noinst_LTLIBRARIES += libcore.la
libcore_la_SOURCES = core/core.c core/core.h
libcore_la_LIBADD = $(LIBEVENT_LIBS)

sbin_PROGRAMS += droverd
droverd_SOURCES = core/main.c core/daemon.c core/daemon.h
droverd_LDADD = $(core_libs) $(LIBEVENT_LIBS)
