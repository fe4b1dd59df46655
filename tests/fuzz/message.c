/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any datagram: refused whole, or every field of its row can be asked for and
 * the bytes hold still.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "wire/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct message m;
	struct error err = { .code = 0 };
	volatile char last;

	if (message_decode(&m, data, len, &err) != 0)
		return 0;
	if (message_name(m.type)[0] == '?')
		abort();
	for (int i = 0; i < m.fields_len; i++) {
		const struct message_field *f = &m.fields[i];

		if (f->type == 's' || f->type == 'b')
			last = f->data[f->len];
	}
	(void)last;
	message_free(&m);
	return 0;
}
