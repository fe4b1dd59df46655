#!/bin/sh
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
check "the first runs" until_true 20 count_is running 1
one 2m
check "a reload meanwhile" drover reload
drover submit exec.command --key third --payload '["true"]' >/dev/null
: >"$work/go"
check "all end" until_true 30 count_is succeeded 3
one_worker() { [ "$(workers | wc -l)" = 1 ]; }
check "the worker of the older configuration has left" until_true 10 one_worker

finish
