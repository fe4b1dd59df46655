/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as the file of a prompt, and as what other people wrote: the file is
 * taken or refused, and nothing that was to be hidden gets through.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "host/prompt.h"

#define DELIMITER "0123456789abcdef0123456789abcdef"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
draw(char delimiter[PROMPT_DELIMITER])
{
	static unsigned int n;

	memcpy(delimiter, DELIMITER, PROMPT_DELIMITER);
	delimiter[n++ % 32] ^= 1;
}

static void
check_clean(const char *text)
{
	struct buf once = BUF_INIT, twice = BUF_INIT;

	prompt_clean(&once, text);
	MUST(once.len <= PROMPT_VALUE_MAX + 100);
	MUST(text_is_utf8(buf_str(&once), once.len));
	MUST(strstr(buf_str(&once), "<!--") == NULL);
	prompt_clean(&twice, buf_str(&once));
	MUST(once.len > PROMPT_VALUE_MAX || strcmp(buf_str(&once), buf_str(&twice)) == 0);
	buf_free(&once);
	buf_free(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = xstrndup((const char *)data, len), delimiter[PROMPT_DELIMITER] = "";
	const struct drover_variable variables[] = {
		{ .name = "a", .value = text },
		{ .name = "b", .value = "x {{a}} {{", .flags = DROVER_TRUSTED },
		{ .name = "c" },
	};
	struct buf out = BUF_INIT;
	struct error err;
	const char *begin;

	check_clean(text);
	prompt_fill(text, strlen(text), "fuzz", variables, ARRAY_LEN(variables), draw, &out, &err);
	buf_clear(&out);
	/* The text as a value ends where its fence does, and nowhere before. */
	MUST(prompt_fill("{{a}}\nEND", 9, "fuzz", variables, ARRAY_LEN(variables), draw, &out,
		 &err) == 0);
	begin = strstr(buf_str(&out), "\n<<<a ");
	MUST(begin != NULL);
	memcpy(delimiter, begin + 6, sizeof delimiter - 1);
	begin = strstr(begin + 6 + sizeof delimiter - 1, delimiter);
	MUST(begin != NULL && strcmp(begin + sizeof delimiter - 1, ">>>\nEND") == 0);
	buf_free(&out);
	free(text);
	return 0;
}
