# SPDX-License-Identifier: Apache-2.0
include data/prompts/github/local.mk
include data/prompts/jira/local.mk
include data/prompts/slack/local.mk
prompt_files = $(dist_promptgithub_DATA) $(dist_promptjira_DATA) $(dist_promptslack_DATA)

# A drover that runs where it was built finds its prompts there too.
all-local: data/prompts.built
data/prompts.built: $(prompt_files:%=$(srcdir)/%) Makefile
	$(AM_V_at){ test data/prompts/local.mk -ef $(srcdir)/data/prompts/local.mk || rm -rf data/prompts; } && $(MKDIR_P) data && for f in $(prompt_files); do \
	  test $$f -ef $(srcdir)/$$f || { $(MKDIR_P) $${f%/*} && cp $(srcdir)/$$f $$f; } || exit 1; done && touch $@
CLEANFILES += data/prompts.built
