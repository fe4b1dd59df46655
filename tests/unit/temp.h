/* SPDX-License-Identifier: Apache-2.0 */
/* Temporary folders for tests that touch files. */
#ifndef UNIT_TEMP_H
#define UNIT_TEMP_H

/*
 * Makes a folder under $TMPDIR or /tmp, or aborts. The caller frees the path.
 */
char *temp_make(void);
/* Removes the folder with its contents, and frees dir. */
void temp_remove(char *dir);
/*
 * Writes text to dir/name, making the folders in name. Returns the path, which
 * the caller frees.
 */
char *temp_file(const char *dir, const char *name, const char *text);

#endif
