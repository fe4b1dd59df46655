noinst_LTLIBRARIES += libconfigure.la
libconfigure_la_SOURCES = \
  core/config/authors.c core/config/authors.h \
  core/config/bind.c core/config/bind.h \
  core/config/config.c core/config/config.h \
  core/config/confine.c core/config/confine.h \
  core/config/describe.c \
  core/config/identity.c core/config/identity.h \
  core/config/inside.h \
  core/config/keys.c core/config/keys.h \
  core/config/layer.c core/config/layer.h \
  core/config/numbers.c core/config/numbers.h \
  core/config/learn.c core/config/learn.h \
  core/config/options.c core/config/options.h \
  core/config/prompts.c core/config/prompts.h core/config/prompts_check.c \
  core/config/repo.c \
  core/config/secret.c \
  core/config/show.c \
  core/config/sign.c core/config/sign.h \
  core/config/template.c core/config/template.h \
  core/config/unbind.c
libconfigure_la_LIBADD = $(LIBCONFIG_LIBS) $(CJSON_LIBS)
