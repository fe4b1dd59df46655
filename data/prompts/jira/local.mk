# Prompts of the plugin jira, one file a line: installed to $(pkgdatadir)/prompts/jira.
promptjiradir = $(pkgdatadir)/prompts/jira
dist_promptjira_DATA = data/prompts/jira/triage.md data/prompts/jira/fix.md data/prompts/jira/review.md
