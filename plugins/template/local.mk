# What `drover plugin new NAME` copies, with "example" replaced by NAME in each file.
templatedir = $(pkgdatadir)/template
dist_template_DATA = plugins/template/plugin.c plugins/template/Makefile plugins/template/README.md
