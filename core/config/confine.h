/* SPDX-License-Identifier: Apache-2.0 */
/* What the configuration as a whole asks of the sandbox. */
#ifndef CONFIG_CONFINE_H
#define CONFIG_CONFINE_H

#include "base/buf.h"
#include "config/config.h"

/* Where the sandbox is asked for: "off", "on", "required" or "some", static. */
const char *confine_mode(const struct config *);
/*
 * Appends a sentence if the sandbox is asked for and bwrap does not work here.
 * It may take some ms, since bwrap is tried; see bwrap_fault().
 */
void confine_fault(const struct config *, struct buf *out);

#endif
