plugin_LTLIBRARIES += jira.la
jira_texts = plugins/jira/adf.c plugins/jira/adf.h plugins/jira/adf_write.c plugins/jira/wiki.c
jira_la_SOURCES = $(jira_texts) plugins/jira/jira.c plugins/jira/jira.h plugins/jira/account.c plugins/jira/judge.c \
  plugins/jira/search.c plugins/jira/issue.c plugins/jira/transition.c plugins/jira/comment.c plugins/jira/person.c \
  plugins/jira/payload.c plugins/jira/scan.c plugins/jira/source_ticket.c plugins/jira/source_review.c \
  plugins/jira/fix.h plugins/jira/pipeline_fix.c plugins/jira/fix_take.c plugins/jira/fix_gather.c plugins/jira/images.c \
  plugins/jira/trees.c plugins/jira/fix_triage.c plugins/jira/fix_work.c plugins/jira/subtask.c plugins/jira/fix_settle.c \
  plugins/jira/pipeline_review.c plugins/jira/operations.c plugins/jira/hook.c \
  $(plugin_talk) $(plugin_web) $(plugin_common)
jira_la_CFLAGS = $(plugin_cflags)
jira_la_CPPFLAGS = $(plugin_cppflags) $(CJSON_CFLAGS) $(CRYPTO_CFLAGS) $(CMARK_CFLAGS)
jira_la_LDFLAGS = $(plugin_ldflags)
jira_la_LIBADD = $(CJSON_LIBS) $(CRYPTO_LIBS) $(CMARK_LIBS)
EXTRA_DIST += doc/jira.md
