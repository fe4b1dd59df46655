/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a command for a job: process group, clean environment, clocks,
 * captured output. exec, agent and change share it.
 */
#ifndef HOST_EXEC_H
#define HOST_EXEC_H

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "host/scope.h"

/* As drover_host_exec.run, on internal types. */
int exec_run(struct scope *, const struct drover_command *, struct drover_outcome *,
    struct error *);
/* As exec_run; errors gets the end of stderr alone, at most 4 KiB. */
int exec_run_split(struct scope *, const struct drover_command *, struct drover_outcome *,
    struct buf *errors, struct error *);
/*
 * Writes to the attempt's output file within its cap (a marker line says where
 * it was cut).
 */
void exec_output(struct scope *, const void *data, size_t len);

#endif
