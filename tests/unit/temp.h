/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of the test's own, for tests that touch files. */
#ifndef UNIT_TEMP_H
#define UNIT_TEMP_H

/* Makes one under $TMPDIR or /tmp; the caller frees. Aborts when it cannot. */
char *temp_make(void);
/* Removes it with all that is in it, and frees dir. */
void temp_remove(char *dir);
/*
 * Writes text to dir/name (folders in name are made) and returns the path; the
 * caller frees.
 */
char *temp_file(const char *dir, const char *name, const char *text);

#endif
