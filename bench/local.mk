# SPDX-License-Identifier: Apache-2.0
EXTRA_PROGRAMS += bench-tools
bench_tools_SOURCES = bench/tools.c
bench_tools_LDADD = $(core_libs) $(CJSON_LIBS)
EXTRA_PROGRAMS += bench-lease
bench_lease_SOURCES = bench/bench_lease.c
bench_lease_LDADD = $(core_libs)
EXTRA_PROGRAMS += bench-sandbox
bench_sandbox_SOURCES = bench/bench_sandbox.c
bench_sandbox_LDADD = $(core_libs)
EXTRA_DIST += bench/run.sh
CLEANFILES += bench-tools$(EXEEXT) bench-lease$(EXEEXT) bench-sandbox$(EXEEXT)

bench: all
	$(MAKE) bench-tools$(EXEEXT) bench-lease$(EXEEXT) bench-sandbox$(EXEEXT)
	SRC='$(abs_top_srcdir)' BUILD='$(abs_top_builddir)' $(SHELL) $(srcdir)/bench/run.sh
.PHONY: bench
