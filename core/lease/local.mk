noinst_LTLIBRARIES += liblease.la
liblease_la_SOURCES = core/lease/lease.h core/lease/tree.h
liblease_la_LIBADD = $(LIBGIT2_LIBS)
