/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bubblewrap (bwrap), with which commands run in a sandbox: where it is, and
 * whether it works on this machine.
 */
#ifndef BASE_BWRAP_H
#define BASE_BWRAP_H

/* Its path, found in PATH of this process; NULL if bwrap_fault() is not. */
const char *bwrap_path(void);
/*
 * Finds out, once in each process, whether bwrap works here, which takes some
 * ms, and 10 s at most. NULL if it does; else the reason and the mend, for
 * ever.
 */
const char *bwrap_fault(void);

#endif
