# SPDX-License-Identifier: Apache-2.0
# One program of tests for each folder of core/. A file of tests hands over its cases with SUITE
# (suite.h); what files share is in libtestkit.la.
EXTRA_DIST += tests/fixtures/agents
if HAVE_CHECK
# The longest first: what runs side by side ends at about the same time.
unit_programs = check_lease check_change check_run check_queue check_host check_store check_http check_agent \
  check_api check_base check_config check_load check_wire check_super check_notice check_cli
check_PROGRAMS += $(unit_programs)
TESTS += $(unit_programs)
unit_cppflags = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(test_folders)
unit_libs = libtestkit.la $(core_libs) $(CHECK_LIBS)

check_LTLIBRARIES += libtestkit.la
libtestkit_la_SOURCES = \
  tests/unit/acting_core.c tests/unit/acting_core.h \
  tests/unit/change_kit.c tests/unit/change_kit.h \
  tests/unit/fake_core.c tests/unit/fake_core.h \
  tests/unit/gitrepo.c tests/unit/gitrepo.h \
  tests/unit/probe.c tests/unit/probe.h \
  tests/unit/queue_kit.c tests/unit/queue_kit.h \
  tests/unit/suite.c tests/unit/suite.h \
  tests/unit/temp.c tests/unit/temp.h \
  tests/unit/web_server.c tests/unit/web_server.h
libtestkit_la_CPPFLAGS = $(unit_cppflags)
# Takes the place of functions of core/lease, so it is in no library.
stub_daemon = tests/unit/stub_daemon.c tests/unit/stub_daemon.h

check_agent_SOURCES = tests/unit/test_agent.c tests/unit/test_catalogue.c tests/unit/test_reader.c
check_agent_CPPFLAGS = $(unit_cppflags)
check_agent_LDADD = $(unit_libs)

check_api_SOURCES = tests/unit/test_api.c tests/unit/test_api_connections.c \
  tests/unit/test_api_follow.c tests/unit/api_kit.c tests/unit/api_kit.h $(stub_daemon)
check_api_CPPFLAGS = $(unit_cppflags)
check_api_LDADD = $(unit_libs)

check_base_SOURCES = tests/unit/test_base.c tests/unit/test_base_files.c tests/unit/test_base_log.c \
  tests/unit/test_base_proc.c tests/unit/test_base_spawn.c tests/unit/test_base_text.c \
  tests/unit/test_secrets.c
check_base_CPPFLAGS = $(unit_cppflags)
check_base_LDADD = $(unit_libs)

check_change_SOURCES = tests/unit/test_change.c tests/unit/test_onto.c tests/unit/test_readonly.c
check_change_CPPFLAGS = $(unit_cppflags)
check_change_LDADD = $(unit_libs)

check_cli_SOURCES = tests/unit/test_cli.c $(stub_daemon)
check_cli_CPPFLAGS = $(unit_cppflags)
check_cli_LDADD = libcli.la $(unit_libs)

check_config_SOURCES = tests/unit/test_config.c tests/unit/test_authors.c tests/unit/test_config_files.c \
  tests/unit/test_options.c
check_config_CPPFLAGS = $(unit_cppflags)
check_config_LDADD = $(unit_libs)

check_host_SOURCES = tests/unit/test_host.c tests/unit/test_command.c tests/unit/test_fetch.c tests/unit/test_prompt.c \
  tests/unit/test_sandbox.c
check_host_CPPFLAGS = $(unit_cppflags)
check_host_LDADD = $(unit_libs)

check_http_SOURCES = tests/unit/test_http.c tests/unit/test_http_cache.c tests/unit/test_http.h
check_http_CPPFLAGS = $(unit_cppflags)
check_http_LDADD = $(unit_libs)

check_lease_SOURCES = tests/unit/test_author.c tests/unit/test_history.c tests/unit/test_lease.c \
  tests/unit/test_submodule.c tests/unit/test_takeup.c tests/unit/test_tree.c \
  tests/unit/test_tree_change.c tests/unit/test_tree_race.c tests/unit/test_tree.h
check_lease_CPPFLAGS = $(unit_cppflags)
check_lease_LDADD = $(unit_libs)

check_load_SOURCES = tests/unit/test_abi.c tests/unit/test_loader.c
check_load_CPPFLAGS = $(unit_cppflags)
check_load_LDADD = $(unit_libs)

check_notice_SOURCES = tests/unit/test_notice.c
check_notice_CPPFLAGS = $(unit_cppflags)
check_notice_LDADD = $(unit_libs)

check_queue_SOURCES = tests/unit/test_queue.c tests/unit/test_queue_gate.c tests/unit/test_queue_life.c \
  tests/unit/test_queue_random.c tests/unit/test_queue_report.c
check_queue_CPPFLAGS = $(unit_cppflags)
check_queue_LDADD = $(unit_libs)

check_run_SOURCES = tests/unit/test_forks.c tests/unit/test_runner.c tests/unit/test_worker.c
check_run_CPPFLAGS = $(unit_cppflags)
check_run_LDADD = $(unit_libs)

check_store_SOURCES = tests/unit/test_store.c tests/unit/test_records.c
check_store_CPPFLAGS = $(unit_cppflags)
check_store_LDADD = $(unit_libs)

check_super_SOURCES = tests/unit/test_limits.c tests/unit/test_slots.c tests/unit/test_sources.c
check_super_CPPFLAGS = $(unit_cppflags)
check_super_LDADD = $(unit_libs)

check_wire_SOURCES = tests/unit/test_link.c tests/unit/test_message.c
check_wire_CPPFLAGS = $(unit_cppflags)
check_wire_LDADD = $(unit_libs)
endif
