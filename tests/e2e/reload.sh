#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A reload while a plugin is still being opened: its runner is told to stop before it has said READY or REFUSED. What it
# says then is of a configuration that is gone, and counts for nothing.
. "$SRC/tests/e2e/lib.sh"
need jq
fixtures=$BUILD/tests/fixtures/plugins/.libs
[ -f "$fixtures/hostile.so" ] || skip "skipped: the fixture plugins are not built (make check builds them)"
mkdir "$work/plugins"
cp "$fixtures/hostile.so" "$work/plugins/"

# opens DEED: the configuration in which open() does it.
opens() {
	config <<CONF
running = 2;
pools = { light = { slots = 2; }; };
plugins = ( { name = "hostile"; options = { open = "$1"; }; pipelines = { run = { pool = "light"; }; }; } );
CONF
	sed -i "s|^plugin_dirs = .*|plugin_dirs = (\"$work/plugins\");|" "$work/drover.conf"
}
fact() { drover plugin list --json | jq -r ".plugins[] | .$1"; }
is_state() { [ "$(fact state)" = "$1" ]; }
gone() { ! kill -0 "$1" 2>/dev/null; }
# A job that nobody takes would wait for ever.
runs() { timeout "$wait_limit" "$BUILD/drover" --socket "$work/drover.sock" submit hostile.run --key "$1" --payload ok --wait; }

opens "refuse $work/gate1"
daemon_start || finish broken
check "the plugin is being opened" until_true is_state starting
old=$(fact pid)
opens ok
check "meanwhile the configuration is mended" drover reload
check "and a new runner is ready" until_true is_state ready
touch "$work/gate1"
check "the old one ends" until_true gone "$old"
check "a refusal that came late stops no job" runs one
check "one runner is there, and ready" equal "$(fact state)" ready

opens "until $work/gate2"
check "a configuration with which it opens slowly" drover reload
check "the plugin is being opened again" until_true is_state starting
old=$(fact pid)
opens ok
check "the next configuration" drover reload
check "its runner is ready" until_true is_state ready
touch "$work/gate2"
check "the slow one ends" until_true gone "$old"
check "jobs run" runs two
check "and that end was no failure" sh -c "! grep -q 'starting again' '$work/drover.log'"
check "one runner is there still" equal "$(fact state)" ready
finish
