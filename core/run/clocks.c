/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Total time, silence and the steps of stopping for one attempt. No clock is
 * read here: every function is given the time, so a test can play through
 * hours.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "base/units.h"
#include "run/clocks.h"

#define CLOCKS_LOOK_MS       5000
#define CLOCKS_KILL_AGAIN_MS 1000

static void clocks_silence(struct clocks *, int64_t now);
static int64_t clocks_look_interval(const struct clocks *);

static int64_t
clocks_look_interval(const struct clocks *clocks)
{
	int64_t quarter = clocks->silence_ms / 4;

	return quarter < 1 ? 1 : quarter < CLOCKS_LOOK_MS ? quarter : CLOCKS_LOOK_MS;
}

void
clocks_start(struct clocks *clocks, struct job_run *run, int64_t now)
{
	memset(clocks, 0, sizeof *clocks);
	clocks->run = run;
	clocks->timeout_ms = run->assign.timeout_ms;
	/*
	 * In a thread the attempt's CPU time cannot be told from the daemon's.
	 */
	clocks->silence_ms = run->runner->in_process ? 0 : run->assign.silence_ms;
	clocks->grace_ms = run->runner->grace_ms > 0 ? run->runner->grace_ms : CLOCKS_GRACE_MS;
	clocks->started_at = clocks->looked_at = clocks->quiet_since = now;
	if (clocks->timeout_ms > 0)
		clocks->total_at = now + clocks->timeout_ms;
	if (clocks->silence_ms > 0)
		clocks->look_at = now + clocks_look_interval(clocks);
}

void
clocks_measure_output(struct clocks *clocks)
{
	const char *output = clocks->run->assign.output;
	struct stat st;

	if (output[0] != '\0' && stat(output, &st) == 0)
		clocks->output = (int64_t)st.st_size;
}

void
clocks_look(struct clocks *clocks)
{
	clocks_measure_output(clocks);
	if (clocks->run->pid != 0 && proc_tree_usage(getpid(), &clocks->usage) == -1)
		memset(&clocks->usage, 0, sizeof clocks->usage);
}

/*
 * Looks at CPU time and output, and stops the attempt when both have stood
 * still for silence_ms. CPU use below 1 % of the elapsed time counts as none,
 * because runtimes that only wait still use a little. A process that started or
 * ended since the last look counts as activity.
 */
static void
clocks_silence(struct clocks *clocks, int64_t now)
{
	int64_t output = clocks->output, cpu = clocks->usage.cpu_ms,
		elapsed = now - clocks->looked_at;
	int count = clocks->usage.count;
	char time[UNITS_MAX];
	struct error err;

	clocks_look(clocks);
	clocks->looked_at = now;
	clocks->look_at = now + clocks_look_interval(clocks);
	if (clocks->output != output || clocks->usage.count != count ||
	    (clocks->usage.cpu_ms - cpu) * 100 > elapsed)
		clocks->quiet_since = now;
	if (now - clocks->quiet_since < clocks->silence_ms)
		return;
	error_set(&err, DROVER_INTERNAL, "silence: no output and no CPU for %s; stopped",
	    units_format_duration(clocks->silence_ms, time, sizeof time));
	clocks_stop(clocks, err.code, err.text, now);
}

void
clocks_tick(struct clocks *clocks, int64_t now)
{
	char time[UNITS_MAX];
	struct error err;

	if (clocks->stopping) {
		if (now >= clocks->kill_at) {
			job_kill(clocks->run);
			clocks->kill_at = now + CLOCKS_KILL_AGAIN_MS;
		}
		return;
	}
	if (clocks->total_at != 0 && now >= clocks->total_at) {
		error_set(&err, DROVER_INTERNAL,
		    "timeout: the attempt took longer than %s; stopped",
		    units_format_duration(clocks->timeout_ms, time, sizeof time));
		clocks_stop(clocks, err.code, err.text, now);
	} else if (clocks->look_at != 0 && now >= clocks->look_at) {
		clocks_silence(clocks, now);
	}
}

int64_t
clocks_next(const struct clocks *clocks)
{
	int64_t next = INT64_MAX;

	if (clocks->stopping)
		return clocks->kill_at;
	if (clocks->total_at != 0)
		next = clocks->total_at;
	if (clocks->look_at != 0 && clocks->look_at < next)
		next = clocks->look_at;
	return next;
}

void
clocks_stop(struct clocks *clocks, int code, const char *text, int64_t now)
{
	if (clocks->stopping)
		return;
	clocks->stopping = true;
	error_set(&clocks->stop, code, "%s", text);
	clocks->kill_at = now + clocks->grace_ms;
	job_terminate(clocks->run);
}

void
clocks_kill(struct clocks *clocks, int64_t now)
{
	clocks_stop(clocks, DROVER_FENCED, "the core does not want this attempt any more", now);
	clocks->kill_at = now;
	clocks_tick(clocks, now);
}
