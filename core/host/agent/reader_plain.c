/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads an agent that prints text for people. The end of the text is its last
 * message; its usage is not known.
 */
#include "base/text.h"
#include "host/agent/reader.h"

#define KEEP (READER_TEXT_MAX / 4)

static void plain_line(struct agent_reader *, const char *line, size_t len);

const struct agent_reader_kind reader_plain = { .name = "plain", .line = plain_line };

static void
plain_line(struct agent_reader *r, const char *line, size_t len)
{
	if (len > KEEP) {
		line += len - KEEP;
		len = KEEP;
	}
	if (r->text.len + len + 1 > READER_TEXT_MAX) {
		buf_drop(&r->text, text_fit_end(r->text.data, r->text.len, KEEP));
	}
	reader_add(&r->text, line, len, READER_TEXT_MAX);
	reader_add(&r->text, "\n", 1, READER_TEXT_MAX);
}
