/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a command for a job. exec, agent and change share it. The command
 * runs in a process group of its own, with a clean environment, until it ends,
 * its time is over or the job is cancelled; its output is kept within bounds.
 */
#ifndef HOST_EXEC_H
#define HOST_EXEC_H

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "host/sandbox.h"
#include "host/scope.h"

/*
 * drover_host_exec.run on internal types. 0 when the command ran, whatever its
 * status (see the outcome); else -1: CONFIG when it cannot be started as
 * configured, CANCELLED, AGAIN, PERMANENT or INTERNAL.
 */
int exec_run(struct scope *, const struct drover_command *, struct drover_outcome *,
    struct error *);
/*
 * As exec_run, in a sandbox unless that is NULL; also appends the end of stderr
 * alone, at most 4 KiB, to errors.
 */
int exec_run_split(struct scope *, const struct drover_command *, const struct sandbox *,
    struct drover_outcome *, struct buf *errors, struct error *);
/*
 * Appends to the attempt's output file, up to output_max bytes in all; a line
 * then says that the output was cut. Does nothing when there is no file.
 */
void exec_output(struct scope *, const void *data, size_t len);

#endif
