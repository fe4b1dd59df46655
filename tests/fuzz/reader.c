/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever an agent may print, through each reader: the first byte chooses it.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "host/agent/agent.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *const *names = agent_reader_names();
	const char *at = (const char *)data + 1, *end = (const char *)data + len, *newline;
	struct agent_reader reader;
	char text[4096];
	size_t count = 0;

	if (len == 0)
		return 0;
	while (names[count] != NULL)
		count++;
	if (agent_reader_init(&reader, names[data[0] % count]) != 0)
		return 0;
	while (at < end) {
		newline = memchr(at, '\n', (size_t)(end - at));
		agent_reader_line(&reader, at, (size_t)((newline != NULL ? newline : end) - at));
		at = newline != NULL ? newline + 1 : end;
	}
	agent_reader_text(&reader, text, sizeof text);
	agent_reader_free(&reader);
	return 0;
}
