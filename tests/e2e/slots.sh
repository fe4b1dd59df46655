#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Slots over changes: workers of an older configuration leave once what they did is settled, kinds whose plugin goes
# away say so, jobs that wait for it come back with it, and stopping with an operation or a reload under way is clean.
. "$SRC/tests/e2e/lib.sh"
need jq sqlite3 curl
one() {
	config <<CONF
running = 1;
pools = { light = { slots = 1; }; };
plugins = ( { name = "exec"; pipelines = { command = { pool = "light"; timeout = "$1"; }; }; } );
CONF
}
one 1m
daemon_start || finish broken
# Workers are the session leaders among the processes of this daemon.
workers() {
	for p in $(pgrep -f "droverd -x runner"); do
		[ "$(ps -o sid= -p "$p" | tr -d ' ')" = "$p" ] && tr '\0' '\n' 2>/dev/null <"/proc/$p/environ" | grep -qxF "HOME=$work/home" && echo "$p"
	done
}
drover submit exec.command --key first --payload "[\"sh\", \"-c\", \"while [ ! -e $work/go ]; do sleep 0.1; done\"]" >/dev/null
drover submit exec.command --key second --payload '["true"]' >/dev/null
check "the first runs" until_true count_is running 1
one 2m
check "a reload meanwhile" drover reload
drover submit exec.command --key third --payload '["true"]' >/dev/null
: >"$work/go"
check "all end" until_true count_is succeeded 3
one_worker() { [ "$(workers | wc -l)" = 1 ]; }
check "the worker of the older configuration has left" until_true one_worker

# tardy BROKEN: a configuration with both plugins.
both() {
	config <<CONF
running = 2;
drain_timeout = "1s";
pools = { light = { slots = 2; }; };
plugins = ( { name = "exec"; pipelines = { command = { pool = "light"; timeout = "2m"; }; }; },
            { name = "tardy"; options = { gate = "$work/gate"; settled = "$work/settled"; broken = $1; }; sources = { once = { interval = "1s"; }; }; } );
CONF
}
reason() { drover why "$1" --json | jq -r .reason; }
both false
check "a second plugin" drover reload
settled() { [ "$(od -An -tx1 "$work/settled" 2>/dev/null | tr -d ' ')" = 610062ff ]; }
check "its source is told of its job, with the payload byte by byte" until_true settled

both true
check "it no longer opens" drover reload
late() { drover submit tardy.say --key "late" >"$work/late" 2>&1; }
check "a job for it is taken" late
reason_is() { reason 5 | grep -qF "$1"; }
check "and says what it waits for" until_true reason_is "the other side is not there yet"
both false
check "it opens again" drover reload
check "the job runs" until_true job_is 5 dead
both true
drover reload >/dev/null
drover submit tardy.say --key waits >/dev/null
one 2m
check "the plugin is taken out" drover reload
reason_is() { reason 6 | grep -qF "$1"; }
check "its job says so" until_true reason_is "not in the configuration"
drover submit tardy.say --key refused >/dev/null 2>&1
check "a new one is refused" [ $? -ne 0 ]
both false
drover reload >/dev/null
check "with the plugin the job comes back" until_true job_is 6 dead

# Stopping while somebody waits for an operation, over the API and in a job.
drover submit tardy.ask --key ask >/dev/null
curl -sS --unix-socket "$work/drover.sock" -H 'Content-Type: application/json' --data '{"operation": "tardy.wait"}' http://drover/api/v1/calls >/dev/null 2>&1 &
waiting() { [ "$(pgrep -f "droverd -x runner tardy" | while read -r p; do tr '\0' '\n' 2>/dev/null <"/proc/$p/environ" | grep -qxF "HOME=$work/home" && echo "$p"; done | wc -l)" -ge 5 ]; }
check "two calls wait" until_true waiting
kill -USR2 "$daemon"
wait "$daemon"
check "a hand-over with calls under way: status 0" equal $? 0
check "and no word of a sanitizer" sh -c "! grep -E 'Sanitizer|runtime error' '$work/droverd.out'"
: >"$work/gate"
daemon_start || finish broken
check "the job asks the next core" until_true job_is 7 succeeded
daemon_stop

# What jobs and attempts leave in the state folder goes with them.
mkdir -p "$work/state/jobs/1" "$work/state/jobs/2"
mkdir -p "$work/state/scratch/99/deep" "$work/state/scratch/tmp-killed"
sqlite3 "$work/state/drover.db" "update job set queued_at = queued_at - 3600000, ended_at = ended_at - 3600000 where id = 1"
echo 'keep_jobs = "1m";' >>"$work/drover.conf"
daemon_start || finish broken
no_output() { [ ! -e "$work/state/jobs/1" ]; }
check "the output of a job is removed with it" until_true no_output
check "others keep theirs" [ -d "$work/state/jobs/2" ]
check "scratch folders of nobody are gone" [ ! -e "$work/state/scratch/99" -a ! -e "$work/state/scratch/tmp-killed" ]
daemon_stop
finish
