#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Plugins that should not be trusted: each gets one plain line in the log and in the list of plugins, and everybody else works on.
. "$SRC/tests/e2e/lib.sh"
need jq sqlite3
fixtures=$BUILD/tests/fixtures/plugins/.libs
[ -f "$fixtures/hostile.so" ] || skip "skipped: the fixture plugins are not built (make check builds them)"

mkdir "$work/plugins"
for p in crashing future needs nosymbol small; do cp "$fixtures/$p.so" "$work/plugins/"; done
cp "$BUILD/.libs/exec.so" "$work/plugins/"
# A file and its plugin have one name: the same code again, called what it will do (seven letters each).
for p in hostile opensgv openext polsegv pollhng pollext pollmny pollovr polleak pollfld pollput; do
	LC_ALL=C sed "s/hostile/$p/g" "$fixtures/hostile.so" >"$work/plugins/$p.so"
	chmod 755 "$work/plugins/$p.so"
done
polls() { printf ', { name = "%s"; sources = { items = { interval = "5s"; poll_timeout = "%s"; poll = "%s"; }; }; }\n' "$1" "${3:-5m}" "$2"; }
config <<CONF
running = 4;
pools = { light = { slots = 4; }; };
plugins = ( { name = "exec"; }
, { name = "crashing"; }, { name = "future"; }, { name = "needs"; }, { name = "nosymbol"; }, { name = "small"; }
, { name = "hostile"; pipelines = { run = { pool = "light"; timeout = "8s"; retries = 0; }; }; }
, { name = "opensgv"; options = { open = "segv"; }; }
, { name = "openext"; options = { open = "exit"; }; }
$(polls polsegv segv)
$(polls pollhng hang 2s)
$(polls pollext exit)
$(polls pollmny "many 5000")
$(polls pollovr over)
$(polls polleak "leak 4")
$(polls pollfld "log 2000")
$(polls pollput "fail 9223372036854775807")
);
CONF
sed -i "s|^plugin_dirs = .*|plugin_dirs = (\"$work/plugins\");|" "$work/drover.conf"
daemon_start || finish broken

fact() { drover plugin list --json | jq -r --arg n "$1" ".plugins[] | select(.name == \$n) | .$2"; }
is_state() { [ "$(fact "$1" state)" = "$2" ]; }
logged() { grep -F "\"plugin\":\"$1\"" "$work/drover.log" | grep -qF -e "$2"; }
works() { drover submit exec.command --key "works-$1" --payload '["true"]' --wait >/dev/null 2>&1; }

check "exec is ready among them" until_true is_state exec ready
check "work goes on at once" works 1
while read -r p why; do
	check "$p is refused" until_true is_state "$p" refused
	check "$p: the list says why ($why)" sh -c "printf '%s' \"\$1\" | grep -qF -e \"\$2\"" - "$(fact "$p" why)" "$why"
	check "$p: in one line" equal "$(fact "$p" why | wc -l)" 1
	check "$p: so does the log, once" equal "$(grep -F "\"plugin\":\"$p\"" "$work/drover.log" | grep -cF -e "$why")" 1
done <<'END'
future ABI 2
needs needs ABI 1.4
nosymbol is not a plugin for drover: it does not export drover_plugin_v1
small descriptor has 24 bytes
END

for p in crashing opensgv openext polsegv pollext; do
	restarted() { logged "$p" "starting again in 2s"; }
	check "$p is started again, later each time" until_true restarted
done
check "a crash in a constructor says so" logged crashing "signal 11 (Segmentation fault) while the plugin was opened"
printf 'state_dir = "%s/state"; plugin_dirs = ("%s/plugins"); plugins = ( { name = "crashing"; } );\n' "$work" "$work" >"$work/ends.conf"
ends=$(CRASHING_EXITS=1 "$BUILD/droverd" -t -c "$work/ends.conf" 2>&1 && echo good)
check "an exit(0) in a constructor is no good configuration" equal "$ends" "plugin crashing ended the process that loaded it"
check "a crash in open says so" logged opensgv "signal 11 (Segmentation fault) while the plugin was opened"
check "an exit() in open says so" logged openext "ended by itself with status 0 while the plugin was opened"
check "a crash in poll says so" logged polsegv "signal 11 (Segmentation fault) in the poll of polsegv.items"
check "an exit() in poll says so" logged pollext "ended by itself with status 0 in the poll of pollext.items"
hung() { logged pollhng "hangs in the poll of pollhng.items (no answer within 2s)"; }
check "a poll that hangs is ended, by name and limit" until_true hung
check "work goes on while they crash" works 2

over() { logged pollovr "struct drover_item says that its size is 4"; }
check "no item over the bounds is taken" until_true over
put_off() { drover source list --json | jq -e '.sources[] | select(.name == "pollput.items") | (.next_poll / 1000 - now) | . > 86000 and . < 86500' >/dev/null; }
check "a source puts itself off for a day at most" until_true put_off
check "5,000 items are more than one poll may bring" until_true logged pollmny "emitted more than 1000 items"
check "and none of them is a job" equal "$(drover list --json --limit 1000 | jq '[.jobs[] | select(.key | startswith("many-"))] | length')" 0
check "a flood of lines is a line each, whatever they hold" sh -c \
	"grep -F pollfld '$work/drover.log' | head -n 3000 | jq -e . >/dev/null && ! grep -q \"\$(printf '\\033')\" '$work/drover.log'"
check "who leaks or floods is there still" sh -c '[ "$1 $2" = "ready ready" ]' - "$(fact polleak state)" "$(fact pollfld state)"

deed() { drover submit hostile.run --key "$1" --payload "$2" >/dev/null; }
# outcome KEY: the state and the error of a job that has ended.
outcome() { drover show --json "hostile.run/$1" | jq -r '.state + ": " + (.error // "")'; }
ended() { [[ $(outcome "$1") == @(dead|succeeded):* ]]; }
cat >"$work/deeds" <<'END'
segv signal.11 segv
exit exit exit
killed signal.9 killed
hang timeout\|longer\|time hang
stubborn timeout\|longer\|time stubborn
mute gave.no.reason mute
END
while read -r key want payload; do
	deed "$key" "$payload"
done <"$work/deeds"
deed leak "leak 64"
while read -r key want payload; do
	check "run() with '$payload' comes to an end" until_true ended "$key"
	got=$(outcome "$key")
	say "#   $payload: $got"
	check "run() with '$payload': dead" [ "${got%%:*}" = dead ]
	check "run() with '$payload': says '$want'" sh -c "printf '%s' \"\$1\" | grep -qi -e \"\$2\"" - "$got" "$want"
done <"$work/deeds"
check "a job that leaks comes to an end" until_true ended leak
check "and is its own business" equal "$(outcome leak)" "succeeded: "
check "work goes on after all that" works 3

for p in crashing opensgv polsegv; do
	check "$p is parked after 5 failures" until_true is_state "$p" parked
	check "$p: the log says so" logged "$p" "parked after 5 failures"
done
starts=$(fact crashing starts)
check "who hangs is parked as well, some starts later" until_true is_state pollhng parked
check "a parked plugin was left alone meanwhile" equal "$(fact crashing starts)" "$starts"
check "the exec plugin never failed" equal "$(fact exec starts)" 1
check "work goes on to the end" works 4
check "the daemon is the one that was started" kill -0 "$daemon"
daemon_stop
gone() { [ -z "$(leftovers)" ] && ! pgrep -f "$work" >/dev/null; }
check "nothing is left running" until_true gone
check "integrity" equal "$(sqlite3 "$work/state/drover.db" 'pragma integrity_check')" ok
finish
