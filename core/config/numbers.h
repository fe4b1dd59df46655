/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that libconfig would change while it reads them. */
#ifndef CONFIG_NUMBERS_H
#define CONFIG_NUMBERS_H

#include "base/error.h"

/*
 * Looks for integers in libconfig text that libconfig 1.5 stores as another
 * number, without an error: those beyond 32 bits that have no L behind them,
 * and those beyond 64 bits. Returns 0, or -1 and CONFIG with name, line and
 * number.
 */
int numbers_check(const char *text, const char *name, struct error *);

#endif
