# SPDX-License-Identifier: Apache-2.0
plugin_ldflags = -module -avoid-version -shared -no-undefined $(PLUGIN_LDFLAGS)
plugin_cflags = $(AM_CFLAGS) -fvisibility=hidden
plugin_cppflags = -I$(top_srcdir)/include -I$(top_srcdir)/plugins $(DROVER_CPPFLAGS)
plugin_common = plugins/common/mem.c plugins/common/mem.h plugins/common/text.c plugins/common/text_buf.c plugins/common/text.h \
  plugins/common/when.c plugins/common/when.h
# Of plugins that speak to a vendor; they are linked with $(CJSON_LIBS).
plugin_web = plugins/common/web.c plugins/common/web_json.c plugins/common/web.h \
  plugins/common/secret.c plugins/common/secret.h plugins/common/authors.c plugins/common/authors.h
# Of those that people write to and that write to the outside; linked with $(CRYPTO_LIBS) and $(CMARK_LIBS).
plugin_markdown = plugins/common/markdown.c plugins/common/markdown.h plugins/common/markdown_guard.c plugins/common/markdown_guard.h
plugin_talk = $(plugin_markdown) plugins/common/talk.c plugins/common/talk.h plugins/common/hook.c plugins/common/hook.h \
  plugins/common/once.c plugins/common/once.h plugins/common/reply.c plugins/common/reply.h plugins/common/forge.c plugins/common/forge.h

include plugins/inbox/local.mk
include plugins/exec/local.mk
include plugins/jira/local.mk
include plugins/slack/local.mk
include plugins/github/local.mk
include plugins/template/local.mk

EXTRA_DIST += doc/plugins.md doc/abi-history.md doc/inbox.md

# A plugin is its .so alone. libtool installs a .la beside it, and by that uninstall would have known the .so.
install-data-hook:
	cd "$(DESTDIR)$(plugindir)" && rm -f $(plugin_LTLIBRARIES)
uninstall-hook:
	for la in $(plugin_LTLIBRARIES); do rm -f "$(DESTDIR)$(plugindir)/$${la%.la}.so"; done
