# SPDX-License-Identifier: Apache-2.0
# make fuzz: libFuzzer on what reads outside bytes, each for fuzz_seconds, in a clang build of its own that keeps its corpus.
fuzz_programs = fuzz-message fuzz-config fuzz-reader fuzz-adf fuzz-prompt fuzz-github fuzz-http fuzz-json fuzz-markdown fuzz-slack \
  fuzz-ticket
fuzz_seconds = 20
EXTRA_PROGRAMS += $(fuzz_programs)
CLEANFILES += $(fuzz_programs)
fuzz_message_SOURCES = tests/fuzz/message.c
fuzz_message_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_message_LDADD = $(core_libs)
fuzz_config_SOURCES = tests/fuzz/config.c
fuzz_config_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_config_LDADD = $(core_libs)
fuzz_reader_SOURCES = tests/fuzz/reader.c
fuzz_reader_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_reader_LDADD = $(core_libs)
fuzz_adf_SOURCES = tests/fuzz/adf.c $(jira_la_SOURCES)
fuzz_adf_CPPFLAGS = $(plugin_cppflags) $(CJSON_CFLAGS) $(CRYPTO_CFLAGS) $(CMARK_CFLAGS)
fuzz_adf_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_adf_LDADD = $(CJSON_LIBS) $(CRYPTO_LIBS) $(CMARK_LIBS)
fuzz_prompt_SOURCES = tests/fuzz/prompt.c
fuzz_prompt_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_prompt_LDADD = $(core_libs)
fuzz_http_SOURCES = tests/fuzz/http.c
fuzz_http_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_http_LDADD = $(core_libs)
fuzz_json_SOURCES = tests/fuzz/json.c $(plugin_web) $(plugin_common)
fuzz_json_CPPFLAGS = $(plugin_cppflags) $(CJSON_CFLAGS)
fuzz_json_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_json_LDADD = $(CJSON_LIBS)
fuzz_markdown_SOURCES = tests/fuzz/markdown.c $(plugin_markdown) $(plugin_common)
fuzz_markdown_CPPFLAGS = $(plugin_cppflags) $(CMARK_CFLAGS)
fuzz_markdown_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_markdown_LDADD = $(CMARK_LIBS)
fuzz_ticket_SOURCES = tests/fuzz/ticket.c $(inbox_la_SOURCES)
fuzz_ticket_CPPFLAGS = $(inbox_la_CPPFLAGS)
fuzz_ticket_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_ticket_LDADD = $(inbox_la_LIBADD)
fuzz_github_SOURCES = tests/fuzz/github.c $(github_sources)
fuzz_github_CPPFLAGS = $(plugin_cppflags) $(CJSON_CFLAGS) $(CRYPTO_CFLAGS) $(CMARK_CFLAGS)
fuzz_github_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_github_LDADD = $(CJSON_LIBS) $(CRYPTO_LIBS) $(CMARK_LIBS)
fuzz_slack_SOURCES = tests/fuzz/slack.c $(slack_la_SOURCES)
fuzz_slack_CPPFLAGS = $(slack_la_CPPFLAGS)
fuzz_slack_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_slack_LDADD = $(slack_la_LIBADD) -lm

fuzz:
	test -f fuzz-build/Makefile || { mkdir -p fuzz-build && cd fuzz-build && '$(abs_top_srcdir)/configure' CC=clang CFLAGS='-g -O1' \
	  --enable-sanitizers=address,undefined,fuzzer-no-link; }
	cd fuzz-build && $(MAKE) fuzz-run fuzz_seconds='$(fuzz_seconds)'
fuzz-run: $(fuzz_programs) drover
	mkdir -p $(fuzz_programs:%=corpus/%)
	./drover config example >corpus/fuzz-config/example.conf
	for p in $(fuzz_programs); do \
	  ./$$p -max_total_time='$(fuzz_seconds)' -max_len=8192 -verbosity=0 -print_final_stats=1 corpus/$$p '$(abs_srcdir)/tests/fixtures/agents' || exit 1; \
	done
.PHONY: fuzz fuzz-run
