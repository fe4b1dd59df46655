# SPDX-License-Identifier: Apache-2.0
EXTRA_PROGRAMS = bench-tools
bench_tools_SOURCES = bench/tools.c
bench_tools_LDADD = libbase.la $(CJSON_LIBS)
EXTRA_DIST += bench/run.sh
CLEANFILES += bench-tools$(EXEEXT)

bench: all bench-tools$(EXEEXT)
	SRC='$(abs_top_srcdir)' BUILD='$(abs_top_builddir)' $(SHELL) $(srcdir)/bench/run.sh
.PHONY: bench
