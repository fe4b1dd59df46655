/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 as text. drover compares it to see whether something changed after it
 * was accepted.
 */
#include <stdio.h>

#include <openssl/evp.h>

#include "base/digest.h"
#include "base/mem.h"

void
digest_sha256(const void *data, size_t len, char out[DIGEST_HEX])
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned int n = 0;

	MUST(EVP_Digest(len > 0 ? data : "", len, bytes, &n, EVP_sha256(), NULL) == 1 && n == 32);
	for (unsigned int i = 0; i < n; i++)
		(void)snprintf(out + (size_t)2 * i, 3, "%02x", bytes[i]);
}
