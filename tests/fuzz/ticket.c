/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any file as a ticket of the plugin inbox: it has a title, or it is refused
 * with a reason.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "inbox/inbox.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct drover_job job = { .size = sizeof(job), .repo = "web", .trace = "0af7" };
	char why[DROVER_ERROR_MAX] = "", *prompt;
	struct ticket ticket;

	if (ticket_parse(NULL, (const char *)data, len, &ticket, why, sizeof(why)) != 0) {
		if (why[0] == '\0')
			abort();
		return 0;
	}
	if (ticket.title[0] == '\0' || strchr(ticket.title, '\n') != NULL ||
	    !text_is_utf8(ticket.title, strlen(ticket.title)))
		abort();
	prompt = ticket_prompt(&ticket, &job);
	if (strstr(prompt, ticket.title) == NULL)
		abort();
	free(prompt);
	return 0;
}
