/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256, computed by OpenSSL. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>

#define DIGEST_HEX 65 /* bytes of the text with its NUL */

/*
 * Writes the SHA-256 of len bytes to out, in lower-case hexadecimal. data may
 * be NULL if len is 0.
 */
void digest_sha256(const void *data, size_t len, char out[DIGEST_HEX]);

#endif
