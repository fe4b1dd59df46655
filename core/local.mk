# SPDX-License-Identifier: Apache-2.0
include core/base/local.mk
include core/config/local.mk
include core/store/local.mk
include core/queue/local.mk
include core/lease/local.mk
include core/notice/local.mk
include core/plugin/local.mk
include core/host/local.mk
include core/api/local.mk
include core/cli/local.mk

sbin_PROGRAMS += droverd
droverd_SOURCES = core/main.c core/daemon.c core/daemon.h core/daemon_run.h
droverd_LDADD = libapi.la libplugin.la libhost.la liblease.la libnotice.la libqueue.la libstore.la libconfigure.la libbase.la $(LIBEVENT_LIBS)
