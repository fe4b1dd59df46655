/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes documents that the plugin jira makes of Markdown, one a line: some by
 * hand, more by chance (the seed is the first argument).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jira/adf.h"

static void emit(const char *);

static void
emit(const char *markdown)
{
	cJSON *doc = adf_write(NULL, markdown);
	char *json = doc != NULL ? cJSON_PrintUnformatted(doc) : NULL;

	if (json == NULL)
		exit(1);
	puts(json);
	free(json);
	cJSON_Delete(doc);
}

int
main(int argc, char **argv)
{
	static const char *const known[] = {
		"",
		"\n\n\n",
		"text",
		"# h\n## \n#no",
		"- \n- a\n-\n* b\n+ c",
		"1. \n2. x\n3) y",
		"> \n> a\n>\n\n> b",
		"```\n```",
		"```c\n\n```",
		"````\n```\n````",
		"**bold** `code` [l](http://x) http://y ** ` [",
		"---\n***\n___",
		"a\n> b\nc\n- d\ne\n1. f\ng\n# h\ni\n```\nj\n```\nk",
		"\t- tab\n\t\t- deep",
		"`a``b`",
		"[](http://x)",
		"[x]()",
		"[http://a](http://b)",
		"**`x`**",
		"# `code` **b** http://l",
		"> # h\n> - l\n> ```",
		"-----",
		"- ---",
		"\xff\xfe broken \xc3",
		"a\r\nb\r\n\r\nc",
	};
	static const char *const pieces[] = {
		"\n",
		"\n",
		"\n\n",
		" ",
		"  ",
		"- ",
		"* ",
		"1. ",
		"> ",
		"# ",
		"###### ",
		"####### ",
		"```",
		"```\n",
		"````",
		"`",
		"**",
		"*",
		"[",
		"](",
		")",
		"http://a.b/c",
		"https://",
		"mailto:x@y",
		"---",
		"word",
		"\xc3\xa9",
		"\xe2\x80\x8b",
		"\xf0\x9f\x98\x80",
		"\xff",
		"\t",
		"\r",
		"@mia",
		"\\",
		"<b>",
		"|",
		"\x01",
		"2) ",
		"+ ",
	};
	unsigned seed = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1;
	char text[1024];
	size_t i, used;
	int n;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		emit(known[i]);
	srandom(seed);
	for (n = 0; n < 600; n++) {
		for (used = 0, i = (size_t)random() % 40; i > 0 && used < sizeof(text) - 32; i--)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s",
			    pieces[(size_t)random() % (sizeof(pieces) / sizeof(pieces[0]))]);
		text[used] = '\0';
		emit(text);
	}
	return 0;
}
