/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures of commits by a key that the configuration names. */
#ifndef CONFIG_SIGN_H
#define CONFIG_SIGN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "config/config.h"

/*
 * Appends the signature of a text, in the form in which git keeps it, without a
 * newline at its end. key is the file of a private key without a passphrase:
 * one of ssh-keygen, or one that gpg has exported. Takes up to some seconds.
 */
int sign_text(const char *key, const char *text, size_t len, struct buf *out, struct error *);
/*
 * Checks the files of all keys: that they are private keys which only their
 * owner may read. trial makes a signature with each as well.
 */
int sign_check(const struct config *, bool trial, struct error *);

#endif
