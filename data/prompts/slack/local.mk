# Prompts of the plugin slack, one file a line: installed to $(pkgdatadir)/prompts/slack.
promptslackdir = $(pkgdatadir)/prompts/slack
dist_promptslack_DATA = data/prompts/slack/mention.md
