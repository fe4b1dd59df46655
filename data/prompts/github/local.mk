# Prompts of the plugin github, one file a line: installed to $(pkgdatadir)/prompts/github.
promptgithubdir = $(pkgdatadir)/prompts/github
dist_promptgithub_DATA = data/prompts/github/pr-comment.md data/prompts/github/pr-mention.md data/prompts/github/issue-command.md
