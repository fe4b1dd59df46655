# Prompts of the plugin github, one file a line: installed to $(pkgdatadir)/prompts/github.
promptgithubdir = $(pkgdatadir)/prompts/github
dist_promptgithub_DATA =
