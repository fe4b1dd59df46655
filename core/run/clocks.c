/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Total time, silence, and the stop ladder of one attempt; no clock is read
 * here, so a test can play through hours.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "base/units.h"
#include "run/clocks.h"

#define WATCH_LOOK_MS 5000
#define WATCH_KILL_AGAIN_MS 1000

static void watch_silence(struct watch *, int64_t now);
static int64_t watch_look_interval(const struct watch *);

static int64_t
watch_look_interval(const struct watch *watch)
{
	int64_t quarter = watch->silence_ms / 4;

	return quarter < 1 ? 1 : quarter < WATCH_LOOK_MS ? quarter : WATCH_LOOK_MS;
}

void
watch_start(struct watch *watch, struct job_run *run, int64_t now)
{
	memset(watch, 0, sizeof *watch);
	watch->run = run;
	watch->timeout_ms = message_i(&run->assign, "timeout");
	/* A thread's CPU cannot be told from the daemon's. */
	watch->silence_ms = run->runner->in_process ? 0 : message_i(&run->assign, "silence");
	watch->grace_ms = run->runner->grace_ms > 0 ? run->runner->grace_ms : WATCH_GRACE_MS;
	watch->started_at = watch->looked_at = watch->quiet_since = now;
	if (watch->timeout_ms > 0)
		watch->total_at = now + watch->timeout_ms;
	if (watch->silence_ms > 0)
		watch->look_at = now + watch_look_interval(watch);
}

void
watch_measure_output(struct watch *watch)
{
	const char *output = message_s(&watch->run->assign, "output");
	struct stat st;

	if (output[0] != '\0' && stat(output, &st) == 0)
		watch->output = (int64_t)st.st_size;
}

void
watch_look(struct watch *watch)
{
	watch_measure_output(watch);
	if (watch->run->pid != 0 && proc_tree_usage(getpid(), &watch->usage) == -1)
		memset(&watch->usage, 0, sizeof watch->usage);
}

/*
 * A hundredth of the time counts as no CPU: runtimes that only wait still tick.
 * Fewer or more processes count as life.
 */
static void
watch_silence(struct watch *watch, int64_t now)
{
	int64_t output = watch->output, cpu = watch->usage.cpu_ms, elapsed = now - watch->looked_at;
	int count = watch->usage.count;
	char time[UNITS_MAX];
	struct error err;

	watch_look(watch);
	watch->looked_at = now;
	watch->look_at = now + watch_look_interval(watch);
	if (watch->output != output || watch->usage.count != count ||
	    (watch->usage.cpu_ms - cpu) * 100 > elapsed)
		watch->quiet_since = now;
	if (now - watch->quiet_since < watch->silence_ms)
		return;
	error_set(&err, DROVER_INTERNAL, "silence: no output and no CPU for %s; stopped",
	    units_format_duration(watch->silence_ms, time, sizeof time));
	watch_stop(watch, err.code, err.text, now);
}

void
watch_tick(struct watch *watch, int64_t now)
{
	char time[UNITS_MAX];
	struct error err;

	if (watch->stopping) {
		if (now >= watch->kill_at) {
			job_kill(watch->run);
			watch->kill_at = now + WATCH_KILL_AGAIN_MS;
		}
		return;
	}
	if (watch->total_at != 0 && now >= watch->total_at) {
		error_set(&err, DROVER_INTERNAL,
		    "timeout: the attempt took longer than %s; stopped",
		    units_format_duration(watch->timeout_ms, time, sizeof time));
		watch_stop(watch, err.code, err.text, now);
	} else if (watch->look_at != 0 && now >= watch->look_at) {
		watch_silence(watch, now);
	}
}

int64_t
watch_next(const struct watch *watch)
{
	int64_t next = INT64_MAX;

	if (watch->stopping)
		return watch->kill_at;
	if (watch->total_at != 0)
		next = watch->total_at;
	if (watch->look_at != 0 && watch->look_at < next)
		next = watch->look_at;
	return next;
}

void
watch_stop(struct watch *watch, int code, const char *text, int64_t now)
{
	if (watch->stopping)
		return;
	watch->stopping = true;
	watch->stop_code = code;
	(void)text_copy(watch->stop_text, sizeof watch->stop_text, text);
	watch->kill_at = now + watch->grace_ms;
	job_terminate(watch->run);
}

void
watch_kill(struct watch *watch, int64_t now)
{
	watch_stop(watch, DROVER_FENCED, "the core does not want this attempt any more", now);
	watch->kill_at = now;
	watch_tick(watch, now);
}
