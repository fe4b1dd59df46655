/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads an agent that prints text for people: the end of it is its last
 * message, and it tells no usage.
 */
#include "host/agent/reader.h"

#define KEEP (READER_TEXT_MAX / 4)

static void plain_line(struct agent_reader *, const char *line, size_t len);

const struct agent_reader_kind reader_plain = { .name = "plain", .line = plain_line };

static void
plain_line(struct agent_reader *r, const char *line, size_t len)
{
	size_t cut;

	if (len > KEEP) {
		line += len - KEEP;
		len = KEEP;
	}
	if (r->text.len + len + 1 > READER_TEXT_MAX) {
		cut = r->text.len - (r->text.len < KEEP ? r->text.len : KEEP);
		while (cut < r->text.len && ((unsigned char)r->text.data[cut] & 0xc0) == 0x80)
			cut++;
		buf_drop(&r->text, cut);
	}
	reader_add(&r->text, line, len, READER_TEXT_MAX);
	reader_add(&r->text, "\n", 1, READER_TEXT_MAX);
}
