plugin_LTLIBRARIES += slack.la
slack_la_SOURCES = plugins/slack/slack.c plugins/slack/slack.h plugins/slack/mention.h plugins/slack/account.c plugins/slack/channel.c \
  plugins/slack/envelope.c plugins/slack/hint.c plugins/slack/hook.c plugins/slack/judge.c plugins/slack/look.c plugins/slack/message.c \
  plugins/slack/mrkdwn.c plugins/slack/mrkdwn_write.c plugins/slack/operations.c plugins/slack/payload.c plugins/slack/person.c \
  plugins/slack/pipeline_mention.c plugins/slack/position.c plugins/slack/post.c plugins/slack/repo.c plugins/slack/socket.c \
  plugins/slack/source_mention.c plugins/slack/ts.c $(plugin_talk) $(plugin_web) $(plugin_common)
slack_la_CFLAGS = $(plugin_cflags)
slack_la_CPPFLAGS = -D_GNU_SOURCE $(plugin_cppflags) $(CJSON_CFLAGS) $(CRYPTO_CFLAGS) $(CMARK_CFLAGS) $(LIBWEBSOCKETS_CFLAGS)
slack_la_LDFLAGS = $(plugin_ldflags)
slack_la_LIBADD = $(CJSON_LIBS) $(CRYPTO_LIBS) $(CMARK_LIBS) $(LIBWEBSOCKETS_LIBS)
EXTRA_DIST += doc/slack.md
